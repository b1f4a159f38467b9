# survivalData.tcl --
#
#       Sourced by survival.tcl: complete delivery, whatever way the connection
#       ends, and back-pressure in both directions.

# ----------------------------------------------------------------------
# e: complete delivery

# Options of the reader outside. With a small buffer there, most bytes wait on
# this side.

proc survival::pace {reader} {
    switch -- $reader {
        fast {return {}}
        slow {return {pause 1 rcvbuf 16384}}
        late {return [list delay [size 100 1000] rcvbuf 16384]}
    }
}

# Writes a whole stream.

proc survival::putAll {chan bytes stream} {
    for {set offset 0} {$offset < $bytes} {incr offset 1000000} {
        puts -nonewline $chan [support::pattern $offset \
            [expr {min(1000000, $bytes - $offset)}] $stream]
    }
}

# Checks that the reader has received every byte.

proc survival::checkWhole {said bytes what} {
    set whole [expr {[dict get $said count] == $bytes
        && [dict get $said wrong] == -1 && [dict get $said how] eq "eof"}]
    check {$whole} {$what: of $bytes bytes the reader received: $said}
    return $whole
}

proc survival::deliver {listener bytes bufferSize blocking reader stream} {
    set peer [peer sink port [support::port $listener] stream $stream \
        {*}[pace $reader]]
    set chan [takeOne]
    fconfigure $chan -translation binary -buffersize $bufferSize \
        -blocking $blocking
    putAll $chan $bytes $stream
    close $chan
    return [checkWhole [hear $peer] $bytes "$bytes bytes,\
        -buffersize $bufferSize, -blocking $blocking, a $reader reader"]
}

proc survival::deliverAll {sizes} {
    set listener [serveOne]
    set count 0
    set lost 0
    set sum 0
    foreach bytes $sizes {
        foreach bufferSize {4096 65536 1000000} {
            foreach blocking {0 1} {
                foreach reader {fast slow late} {
                    incr sum $bytes
                    if {![deliver $listener $bytes $bufferSize $blocking \
                            $reader [incr count]]} {
                        incr lost
                    }
                }
            }
        }
    }
    close $listener
    report "$count connections, $sum bytes" [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case e.1 "write and close" {
    deliverAll [concat {1 4095 65537 1000003} [size {} 200000000]]
}

# The reader resets in the middle. A write or the close must report that.

proc survival::reset {bytes} {
    set listener [serveOne]
    set count 0
    set silent 0
    foreach bufferSize {4096 65536 1000000} {
        foreach at {1 100000 1000000} {
            set peer [peer sink port [support::port $listener] reset $at \
                rcvbuf 16384]
            set chan [takeOne]
            fconfigure $chan -translation binary -buffersize $bufferSize
            set reported [catch {
                putAll $chan $bytes 0
            } message]
            if {[catch {close $chan} message]} {
                set reported 1
            }
            hear $peer
            incr count
            if {!$reported} {
                incr silent
                check {$reported} \
                    {no error, -buffersize $bufferSize, reset at $at}
            }
        }
    }
    close $listener
    report "$count connections, each with an error" \
        [lost $silent "errors"]
    nothingLeft
}

survival::case e.2 "write and close, the reader resets" {
    reset [size 20000000 200000000]
}

# The end of a process. A non-blocking channel loses the bytes that are still in
# Tcl's own buffers, unless Tcl is told to flush: that is Tcl's rule. The bytes
# that the driver has taken must arrive.

proc survival::exitWith {bytes blocking flush reader} {
    set peer [peer sink {*}[pace $reader]]
    set port [dict get [hear $peer listening] port]
    set env [expr {$flush ? {TCL_FLUSH_NONBLOCKING_ON_EXIT 1} : {}}]
    set ended [support::runChild -env $env {
        lassign $argv port bytes blocking
        set chan [support::sock 127.0.0.1 $port]
        fconfigure $chan -translation binary -blocking $blocking
        for {set offset 0} {$offset < $bytes} {incr offset 1000000} {
            puts -nonewline $chan [support::pattern $offset \
                [expr {min(1000000, $bytes - $offset)}]]
        }
        set stats [fconfigure $chan -stats]
        puts [expr {[dict get $stats bytesOut]
            + [dict get $stats sendBuffered]}]
        exit 3
    } $port $bytes $blocking]
    set said [hear $peer]
    set what "$bytes bytes at exit, -blocking $blocking, flush $flush,\
        a $reader reader"
    check {[dict get $ended status] == 3} {$what: the child: $ended}
    set taken [lindex [dict get $ended output] 0]
    if {$blocking || $flush} {
        return [checkWhole $said $bytes $what]
    }
    set whole [expr {[dict get $said wrong] == -1
        && [dict get $said count] >= $taken}]
    check {$whole} {$what: of $taken bytes the reader received: $said}
    return $whole
}

proc survival::exitAll {sizes} {
    set count 0
    set lost 0
    foreach bytes $sizes {
        foreach {blocking flush} {1 0 0 1 0 0} {
            foreach reader {fast slow late} {
                incr count
                incr lost [expr {![exitWith $bytes $blocking $flush $reader]}]
            }
        }
    }
    report "$count processes" [lost $lost "processes' bytes"]
    nothingLeft
}

survival::case e.3 "write and exit" {
    exitAll [size 1000003 {1 65537 1000003 20000000}]
}

# ----------------------------------------------------------------------
# f: back-pressure

# Calls a script every 100 ms for a time, and keeps the maximum of each number
# that it returns. Returns two lists of maxima, for the first and the second
# half of the time.

proc survival::watch {ms script} {
    variable tick
    set from [clock milliseconds]
    set halves {{} {}}
    while {[set past [expr {[clock milliseconds] - $from}]] < $ms} {
        set half [expr {2 * $past / $ms}]
        set most {}
        foreach old [lindex $halves $half] new [uplevel 1 $script] {
            lappend most [expr {$old eq "" ? $new : max($old, $new)}]
        }
        lset halves $half $most
        after 100 {set ::survival::tick 1}
        vwait ::survival::tick
    }
    return $halves
}

# A handler that reads a little now and then.

proc survival::ReadSlowly {chan token} {
    fileevent $chan readable {}
    support::streamCheck $token [read $chan 1000]
    after 20 [list fileevent $chan readable \
        [list survival::ReadSlowly $chan $token]]
}

# A handler that reads all the rest and checks it.

proc survival::ReadOn {chan token} {
    variable rest
    if {[catch {
        support::streamCheck $token [read $chan 65536]
        eof $chan
    } ended]} {
        set rest($chan) $ended
    } elseif {$ended} {
        set rest($chan) [support::streamCount $token]
    }
    if {[info exists rest($chan)]} {
        close $chan
    }
}

proc survival::buffered {what chans} {
    set bytes {}
    foreach chan $chans {
        lappend bytes [dict get [fconfigure $chan -stats] $what]
    }
    return $bytes
}

# Writers never stop. Their readers are slow or do not read at all, in each
# receive mode. The bytes held for them are limited and do not grow.

proc survival::stopWriters {ms} {
    variable rest
    variable pid
    unset -nocomplain rest
    set listener [serveOne]
    set readers {}
    set stream 0
    foreach mode {adaptive zero-byte flow-controlled burst-detection} {
        foreach slow {0 1} {
            set peer [peer source port [support::port $listener] \
                stream [incr stream]]
            set chan [takeOne]
            fconfigure $chan -translation binary -blocking 0 -recvmode $mode
            set token [support::streamNew $stream]
            lappend readers $chan $peer $token $mode
            lappend chans $chan
            # The first read is longer than the channel's buffer.
            support::streamCheck $token [read $chan 100000]
            if {$slow} {
                ReadSlowly $chan $token
            }
        }
    }
    # The memory for the first bytes is not growth.
    watch [expr {$ms / 4}] {buffered recvBuffered $chans}
    set before [process $pid]
    lassign [watch $ms {buffered recvBuffered $chans}] first second
    set after [process $pid]
    set grown [expr {[dict get $after private] - [dict get $before private]}]
    foreach {chan peer token mode} $readers was $first is $second {
        check {max($was, $is) <= 1048576} {$mode, recvBuffered: $was, $is}
        # Burst detection may take some time to reach the limit.
        check {$is <= $was + 262144 || $mode eq "burst-detection"} \
            {$mode, recvBuffered: $was, then $is}
        lappend held [expr {max($was, $is)}]
    }
    # The two with burst detection may reach their limit in this time.
    check {$grown <= 2048} {private memory grew by $grown KiB}
    set lost 0
    foreach {chan peer token mode} $readers {
        tell $peer end
        after cancel [list fileevent $chan readable \
            [list survival::ReadSlowly $chan $token]]
        fileevent $chan readable [list survival::ReadOn $chan $token]
    }
    foreach {chan peer token mode} $readers {
        support::wait ::survival::rest($chan)
        set said [hear $peer]
        set right [expr {$rest($chan) eq [dict get $said count]}]
        incr lost [expr {!$right}]
        check {$right} {read: $rest($chan), written: $said}
    }
    close $listener
    report "[llength $chans] writers for [expr {$ms / 1000}] s: held at most\
        [join $held {, }] bytes, private memory grew by $grown KiB" \
        [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case f.1 "writers outside that never stop" {
    stopWriters [size 3000 60000]
}

# The other direction: the peers do not read.

proc survival::stopReaders {ms} {
    variable pid
    variable writable 0
    set listener [serveOne]
    set writers {}
    foreach cap {default 1 64} {
        set peer [peer sink port [support::port $listener] told 1]
        set chan [takeOne]
        fconfigure $chan -translation binary -blocking 0 \
            -buffersize 65536 -buffering none
        if {$cap ne "default"} {
            fconfigure $chan -sendcap $cap
        }
        set written [support::fill $chan]
        fileevent $chan writable {incr ::survival::writable}
        lappend writers $chan $peer $written
        lappend chans $chan
    }
    set before [process $pid]
    lassign [watch $ms {buffered sendBuffered $chans}] first second
    set after [process $pid]
    set grown [expr {[dict get $after private] - [dict get $before private]}]
    check {$writable == 0} {writable $writable times}
    check {$second eq $first} {sendBuffered: $first, then $second}
    check {$grown <= 1024} {private memory grew by $grown KiB}
    set lost 0
    foreach {chan peer written} $writers {
        set held [dict get [fconfigure $chan -stats] sendBuffered]
        lappend all $held
        set most [expr {[fconfigure $chan -sendcap] * 65536}]
        check {$held > 0 && $held <= $most} {sendBuffered $held of $most}
        tell $peer go
        close $chan
        incr lost [expr {![checkWhole [hear $peer] $written \
            "a reader that began late"]}]
    }
    close $listener
    report "[llength $chans] readers for [expr {$ms / 1000}] s: held [join \
        $all {, }] bytes with -sendcap 4, 1, 64, private memory grew by\
        $grown KiB" \
        [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case f.2 "readers outside that do not read" {
    stopReaders [size 2000 60000]
}
