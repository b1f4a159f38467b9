# questions-speed.tcl --
#
#       Speeds of this driver and the core's, measured in turn. The server is
#       another process, which has listeners of both drivers. The figures are
#       for the reader. The question fails only if this driver does not finish.

set speedServer {
    proc greet {chan args} {
        puts -nonewline $chan hello
        close $chan
    }
    proc flood {chan args} {
        fconfigure $chan -translation binary -blocking 0 -buffersize 65536
        fileevent $chan writable [list more $chan]
    }
    proc more {chan} {
        if {[catch {puts -nonewline $chan [support::pattern 0 65536]}]} {
            close $chan
        }
    }
    foreach command {support::coreSocket iocpsock::socket} {
        foreach script {support::EchoAccept greet flood} {
            lappend ports [lindex [fconfigure [$command -server $script \
                -myaddr 127.0.0.1 0] -sockname] 2]
        }
    }
    puts $ports
    fileevent stdin readable {
        if {[gets stdin line] < 0 && [eof stdin]} {
            exit
        }
    }
    vwait forever
}

# speedOf MEASURE ...: runs operations for 500 ms, or 1000 connections, and at
# least one, and returns how many there were per second.

proc speedOf {measure command port limitMs} {
    set ::count 0
    unset -nocomplain ::over
    set timer [after 500 endOfSpeed]
    set started [clock microseconds]
    set chans [$measure $command $port]
    try {
        support::wait over 1 $limitMs
        set seconds [expr {([clock microseconds] - $started) / 1e6}]
    } finally {
        after cancel $timer
        after cancel endOfSpeed
        support::closeAll {*}$chans
    }
    return [expr {$::count / $seconds}]
}

proc endOfSpeed {} {
    if {$::count > 0} {
        set ::over 1
    } else {
        after 50 endOfSpeed
    }
}

proc roundTrips {command port} {
    set chan [$command 127.0.0.1 $port]
    fconfigure $chan -translation binary -blocking 0 -buffering none
    fileevent $chan readable [list apply {{chan} {
        if {[read $chan] ne ""} {
            incr ::count
            puts -nonewline $chan x
        }
    }} $chan]
    puts -nonewline $chan x
    return $chan
}

proc bulk {command port} {
    set chan [$command 127.0.0.1 $port]
    fconfigure $chan -translation binary -blocking 0 -buffersize 65536
    fileevent $chan readable [list apply {{chan} {
        incr ::count [string length [read $chan 65536]]
    }} $chan]
    return $chan
}

proc connections {command port} {
    after 0 [list oneConnection $command $port]
    return ""
}

proc oneConnection {command port} {
    if {[info exists ::over] || $::count >= 1000} {
        set ::over 1
        return
    }
    set chan [$command 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -translation binary
    fileevent $chan readable [list apply {{chan command port} {
        read $chan
        if {[eof $chan]} {
            close $chan
            incr ::count
            oneConnection $command $port
        }
    }} $chan $command $port]
}

proc median {numbers} {
    return [lindex [lsort -real $numbers] [expr {[llength $numbers] / 2}]]
}

# Measures each driver five times, in turn. The core's driver may stall, and
# does so under Wine. Then it is not measured again.

proc compare {what unit scale measure corePort port} {
    set limits {support::coreSocket 8000 iocpsock::socket 30000}
    foreach command [dict keys $limits] {
        set speeds($command) {}
    }
    for {set i 0} {$i < 5} {incr i} {
        foreach {command limit} $limits {
            set number [expr {$command eq "iocpsock::socket" ? $port
                : $corePort}]
            if {![catch {speedOf $measure $command $number $limit} speed]} {
                lappend speeds($command) [expr {$speed / $scale}]
                continue
            }
            saw "$what with $command: $speed"
            must {$command ne "iocpsock::socket"} "$what: $speed"
            dict unset limits $command
        }
    }
    set core [median $speeds(support::coreSocket)]
    set ours [median $speeds(iocpsock::socket)]
    if {$core eq "" || $ours eq "" || $core == 0} {
        return
    }
    saw "[format "%s: core %.1f, iocpsock %.1f %s, ratio %.2f" $what $core \
        $ours $unit [expr {$ours / $core}]]"
}

question speed 90 {
    This driver has at least the speed of the core's (a ratio of 1 or more) for
    round trips of 1 byte, connections one after the other, and bulk data.
} {
    set server [support::child $::speedServer]
    lassign [support::childLine $server] coreEcho coreGreet coreFlood \
        echo greet flood
    compare "round trips" "a second" 1 roundTrips $coreEcho $echo
    compare "connections" "a second" 1 connections $coreGreet $greet
    compare "bulk data" "MiB/s" 1048576 bulk $coreFlood $flood
    close $server write
    peerEnds $server
}
