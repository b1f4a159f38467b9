# udp.tcl --
#
# The datagram servers of bench/calls.tcl. bench/udp.js has the same in Node,
# and bench/udpOutside.tcl is their peer.
#
# A way is how a script uses datagrams. With this driver, "udp" is -command and
# iocpsock::sendto, and "channel" is read and puts. In the machine's own tclsh,
# "udp" is Debian's package udp, which has read and puts. Each way has two
# sockets:
#   echo   sends back what it gets
#   sink   counts what it gets; to a datagram that begins with "a" it answers
#          with the first eight bytes and the number, an acknowledgement

namespace eval udp {
    # So much fits into the socket of each program.
    variable socketBytes 212992
    variable received 0
    variable isOurs [expr {[info commands ::iocpsock::udp] ne {}}]
}

# Opens the sockets of each way that this Tcl has. Returns their names and
# ports.
proc udp::Listen {} {
    variable isOurs
    if {$isOurs} {
        return [concat [OpenAll udp Command] [OpenAll channel Channel]]
    }
    return [expr {[catch {package require udp}] ? {} : [OpenAll udp Channel]}]
}

proc udp::OpenAll {way how} {
    foreach {name proc} {echo Echo sink Sink} {
        set chan [Open]
        if {$how eq "Command"} {
            fconfigure $chan -command udp::${proc}Command
        } else {
            fileevent $chan readable [list udp::${proc}Channel $chan]
        }
        lappend ports $way-$name [fconfigure $chan -myport]
    }
    return $ports
}

proc udp::Open {} {
    variable isOurs
    variable socketBytes
    if {$isOurs} {
        set chan [iocpsock::udp -myaddr 127.0.0.1]
        fconfigure $chan -sorcvbuf $socketBytes
    } else {
        set chan [udp_open]
    }
    fconfigure $chan -blocking 0 -translation binary -buffering none
    return $chan
}

# ---------------------------------------------------------------- servers

proc udp::EchoCommand {chan bytes meta} {
    iocpsock::sendto $chan $bytes [dict get $meta address] [dict get $meta port]
}

proc udp::SinkCommand {chan bytes meta} {
    variable received
    incr received
    if {[string index $bytes 0] eq "a"} {
        iocpsock::sendto $chan "[string range $bytes 0 7] $received" \
            [dict get $meta address] [dict get $meta port]
    }
}

# The package udp has events without a datagram.
proc udp::EchoChannel {chan} {
    set bytes [read $chan]
    if {$bytes ne {}} {
        fconfigure $chan -remote [fconfigure $chan -peer]
        puts -nonewline $chan $bytes
    }
}

proc udp::SinkChannel {chan} {
    variable received
    set bytes [read $chan]
    if {$bytes eq {}} {
        return
    }
    incr received
    if {[string index $bytes 0] eq "a"} {
        fconfigure $chan -remote [fconfigure $chan -peer]
        puts -nonewline $chan "[string range $bytes 0 7] $received"
    }
}

# ------------------------------------------------------------ one way out

# Sends so many datagrams to a port of this machine, whenever it can.
proc udp::Out {send count port size} {
    variable isOurs
    variable left $count
    if {$isOurs} {
        set chan [iocpsock::udp 127.0.0.1 $port]
    } else {
        set chan [udp_open]
        fconfigure $chan -remote [list 127.0.0.1 $port]
    }
    fconfigure $chan -blocking 0 -translation binary -buffering none
    fileevent $chan writable [list udp::SendSome $send $chan \
        [string repeat x $size]]
    vwait udp::done
    close $chan
}

proc udp::SendSome {send chan bytes} {
    variable left
    for {set i 0} {$i < 16 && $left > 0} {incr i} {
        {*}$send $chan $bytes
        incr left -1
    }
    if {$left == 0} {
        fileevent $chan writable {}
        variable done 1
    }
}

proc calls::case::udp-out {count port size} {
    udp::Out [expr {$::udp::isOurs ? "iocpsock::sendto" : "puts -nonewline"}] \
        $count $port $size
}
proc calls::case::channel-out {count port size} {
    udp::Out "puts -nonewline" $count $port $size
}
