# udpOutside.tcl ?PORTS WAY SECONDS CASE ...?
#
# Runs udpPeer.pl, the peer of the datagram servers in udp.tcl and udp.js. With
# arguments it measures these cases, and prints "RESULT key value ..." for each.
# PORTS is the line that the process has printed. The cases:
#   echo1-BYTES     round trips of such datagrams, one in flight
#   echo100-BYTES   the same, 100 in flight
#   in-BYTES        one way into the process; the sender waits for
#                   acknowledgements, so that nothing is lost
#   flood-BYTES     the same at full speed; what was received counts
#   out-BYTES       one way out of the process; what was sent counts

namespace eval udpOutside {
    variable peer [file join [file dirname [file normalize [info script]]] \
        udpPeer.pl]
}

# Runs the peer: "echo", "in" or "flood", and its arguments. Returns its result.
proc udpOutside::Run {args} {
    variable peer
    return [lrange [exec perl $peer {*}$args] 1 end]
}

# The process sends so many datagrams to the peer. COMMAND tells it to, and
# waits until it has.
proc udpOutside::Out {command way size count} {
    variable peer
    set pipe [open |[list perl $peer sink] r+]
    gets $pipe port
    set begin [clock microseconds]
    {*}$command run $way-out $count $port $size
    set us [expr {[clock microseconds] - $begin}]
    chan close $pipe write
    gets $pipe got
    close $pipe
    return [list ops $count us $us sent $count lost [expr {$count - $got}]]
}

# ------------------------------------------------------------------- main

# Sends a command to the process, and waits for its end.
proc udpOutside::Command {args} {
    variable control
    puts $control $args
    gets $control
}

proc udpOutside::Main {line way seconds cases} {
    variable control
    set ports [lrange $line 1 end]
    set control [socket 127.0.0.1 [dict get $ports control]]
    fconfigure $control -buffering line
    foreach case $cases {
        set result [Case $case $way $ports $seconds]
        dict set result perSecond [expr {
            1e6 * [dict get $result ops] / [dict get $result us]}]
        puts "RESULT $result"
        flush stdout
    }
    # The process ends with the control connection. Its user may want to look
    # at it before.
    read stdin
}

# Measures a case after a short run, which warms up. The key "all" is the number
# of operations of both.
proc udpOutside::Case {case way ports seconds} {
    lassign [split $case -] kind size
    if {$kind eq "out"} {
        set warm [Out udpOutside::Command $way $size 2000]
        set result [Out udpOutside::Command $way $size [expr {
            max(2000, round($seconds * 2e9 / [dict get $warm us]))}]]
    } else {
        set inFlight {}
        if {[scan $kind echo%d inFlight]} {
            set kind echo
        }
        set port [dict get $ports \
            $way-[expr {$kind eq "echo" ? "echo" : "sink"}]]
        set warm [Run $kind $port $size 1000000 0.1 {*}$inFlight]
        set result [Run $kind $port $size 1000000 $seconds {*}$inFlight]
    }
    return [dict set result all [expr {
        [dict get $result ops] + [dict get $warm ops]}]]
}

if {[info exists argv0] && [file tail $argv0] eq "udpOutside.tcl"} {
    udpOutside::Main {*}[lrange $argv 0 2] [lrange $argv 3 end]
}
