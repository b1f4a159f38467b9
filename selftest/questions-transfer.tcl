# questions-transfer.tcl --
#
#       Sending files, and bytes that arrive before a reset.

# Client editions of Windows run only two TransmitFile calls at a time.

question sendfile-third 90 {
    Two peers do not read the files that are sent to them. A third peer gets its
    file meanwhile. Later the two get theirs: all bytes, in order.
} {
    set bytes 33554432
    set path [makeFile $bytes]
    set listener [support::listen]
    set peer [peer {
        lassign $argv port bytes
        proc takeAll {sock bytes} {
            set token [support::streamNew]
            while {[support::streamCount $token] < $bytes} {
                support::streamCheck $token [receive $sock 65536]
            }
            return "[support::streamCount $token] correct bytes"
        }
        for {set i 0} {$i < 3} {incr i} {
            lappend socks [testraw connect $port]
        }
        lassign $socks a b c
        gets stdin
        puts [takeAll $c $bytes]
        gets stdin
        puts [takeAll $a $bytes]
        puts [takeAll $b $bytes]
    } [support::port $listener] $bytes]
    set chans [acceptSome $listener 3]
    set ::sent {}
    foreach chan $chans name {a b c} {
        iocpsock::sendfile $chan $path -command [list lappend ::sent $name]
    }
    set ms [milliseconds {
        support::childPut $peer go
        set line [support::childLine $peer]
    }]
    saw "the third peer: $line, after $ms ms"
    must {$line eq "$bytes correct bytes"} "the third peer did not get its file"
    support::wait sent {[llength $::sent] > 0}
    saw "done by then: $::sent"
    must {[lindex $::sent 0] eq "c" && [llength $::sent] == 2} \
        "the others did not stall, so this shows nothing"
    support::childPut $peer go
    foreach name {first second} {
        set line [support::childLine $peer]
        saw "the $name peer: $line"
        must {$line eq "$bytes correct bytes"} "the $name peer lacks bytes"
    }
    peerEnds $peer
    support::wait sent {[llength $::sent] == 6}
    support::closeAll $listener {*}$chans
    file delete $path
}

# A duplicated handle would share the file's position, and TransmitFile may move
# it.

question file-position 90 {
    While a part of an open file is sent, the channel keeps its position and
    reads the bytes there.
} {
    set bytes 16777216
    set path [makeFile $bytes]
    set file [open $path rb]
    fconfigure $file -buffersize 10
    seek $file 1000
    set listener [support::listen]
    set peer [peer {
        lassign $argv port bytes
        set sock [testraw connect $port]
        gets stdin
        set got [lindex [receiveAll $sock] 0]
        puts [expr {$got eq [support::pattern 5000 [expr {$bytes - 5000}]]}]
    } [support::port $listener] $bytes]
    set chan [acceptSome $listener 1]
    unset -nocomplain ::sent
    iocpsock::sendfile $chan $file -offset 5000 -command {lappend ::sent}
    set seen {}
    for {set i 0} {$i < 20} {incr i} {
        lappend seen [tell $file]
        set at [expr {1000 + 10 * $i}]
        must {[read $file 10] eq [support::pattern $at 10]} \
            "another part of the file was read at $at"
        after 1 {set ::ticked 1}
        vwait ::ticked
    }
    saw "positions while it was sent: $seen"
    must {$seen eq [lmap i $seen {expr {1000 + 10 * [incr n] - 10}}]} \
        "the position moved"
    must {![info exists ::sent]} "the file was sent before anything was seen"
    support::childPut $peer go
    support::wait sent
    saw "position when it was sent: [tell $file]; sent: $::sent"
    must {[tell $file] == 1200} "the position moved in the end"
    must {$::sent == $bytes - 5000} \
        "the file was not sent whole"
    close $chan
    must {[support::childLine $peer] == 1} "the peer got other bytes"
    peerEnds $peer
    close $file
    close $listener
    file delete $path
}

# Reads to the end, and returns how the connection ended and the bytes.

proc readToEnd {chan limitMs} {
    set ::collected ""
    unset -nocomplain ::ended
    fconfigure $chan -blocking 0 -translation binary
    fileevent $chan readable [list collect $chan]
    if {[catch {support::wait ended 1 $limitMs}]} {
        set ::ended "no end"
    }
    catch {close $chan}
    return [list $::ended $::collected]
}

proc collect {chan} {
    if {[catch {read $chan 65536} data]} {
        set ::ended $data
    } else {
        append ::collected $data
        if {[eof $chan]} {
            set ::ended "end of file"
        }
    }
    if {[info exists ::ended]} {
        fileevent $chan readable {}
    }
}

question reset-behind-data 120 {
    A peer sends 100000 bytes and resets the connection. Windows discards input
    that was not read by then, Wine does not. In both cases the reader gets a
    beginning of the bytes and then the end of file, as with the core's driver.
} {
    foreach {command limitMs} {
        iocpsock::socket 60000 support::coreSocket 5000
    } {
        set peer [peer {
            lassign [testraw listen] listener port
            puts $port
            while {[gets stdin] eq "next"} {
                set sock [testraw accept $listener]
                testraw send $sock [support::pattern 0 100000]
                testraw reset $sock
            }
        }]
        set port [support::childLine $peer]
        array unset count
        set sizes {}
        for {set i 0} {$i < 20} {incr i} {
            support::childPut $peer next
            lassign [readToEnd [$command 127.0.0.1 $port] $limitMs] how got
            incr count($how)
            set size [string length $got]
            lappend sizes $size
            must {$got eq [support::pattern 0 $size]} "wrong bytes came"
            # The core's driver stalls now and then, under Wine at least.
            if {$how eq "no end"} {
                break
            }
        }
        support::childPut $peer end
        peerEnds $peer
        set sizes [lsort -integer $sizes]
        saw "$command: [array get count]; bytes from [lindex $sizes 0] to\
            [lindex $sizes end]"
        must {$command ne "iocpsock::socket"
            || [array get count] eq {{end of file} 20}} \
            "a connection ended in another way"
    }
}
