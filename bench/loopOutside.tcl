# loopOutside.tcl LOOP CASE SECONDS PORTS
#
# Measures a process under Wine whose thread is in a message loop of Windows.
# The process runs bench/calls.tcl. This script is its peer, outside Wine, in
# the machine's own tclsh. It prints a line "RESULT key value ...".
#
# LOOP     tcl: Tcl's own event loop; pump: a plain message loop; box: that of a
#          message box
# CASE     rt: round trips of 1 byte; in, out: the process receives or sends
#          pieces of 64 KiB
# SECONDS  how long to measure
# PORTS    the line that the process has printed

namespace eval loop {
    variable ports
}

proc loop::Connect {name args} {
    variable ports
    set chan [socket 127.0.0.1 [dict get $ports $name]]
    fconfigure $chan -translation binary -buffering none {*}$args
    return $chan
}

proc loop::Command {chan args} {
    puts $chan $args
    if {[gets $chan answer] < 0 || $answer ne "ok"} {
        error "no answer to the command \"$args\""
    }
}

proc loop::RoundTrip {chan} {
    puts -nonewline $chan x
    if {[read $chan 1] ne "x"} {
        error "no echo"
    }
}

proc loop::rt {chan endUs} {
    set startUs [clock microseconds]
    for {set ops 0} {[clock microseconds] < $endUs} {incr ops} {
        RoundTrip $chan
    }
    return [dict create ops $ops \
        us [expr {double([clock microseconds] - $startUs) / $ops}]]
}

# The process has received everything when it closes the connection.
proc loop::in {- endUs} {
    set chan [Connect sink -buffersize 65536]
    set piece [string repeat x 65536]
    set startUs [clock microseconds]
    for {set ops 0} {[clock microseconds] < $endUs} {incr ops} {
        puts -nonewline $chan $piece
    }
    close $chan write
    read $chan
    return [Bytes [expr {$ops * 65536}] $startUs]
}

proc loop::out {- endUs} {
    set chan [Connect source -buffersize 65536]
    set startUs [clock microseconds]
    puts $chan 10000000
    for {set bytes 0} {[clock microseconds] < $endUs} {} {
        incr bytes [string length [read $chan 65536]]
    }
    return [Bytes $bytes $startUs]
}

proc loop::Bytes {bytes startUs} {
    set mib [expr {$bytes / 1048576.0}]
    return [dict create ops 1 mibPerOp $mib \
        mibs [expr {$mib * 1e6 / ([clock microseconds] - $startUs)}]]
}

# The process serves nothing between its answer and the loop.
proc loop::Main {kind case seconds line} {
    variable ports [lrange $line 1 end]
    set control [Connect control -buffering line -translation auto]
    set echo [Connect echo]
    if {$kind ne "tcl"} {
        Command $control enter $kind
    }
    for {set i 0} {$i < 10} {incr i} {
        RoundTrip $echo
    }
    set endUs [expr {[clock microseconds] + int($seconds * 1e6)}]
    puts "RESULT [$case $echo $endUs]"
}

loop::Main {*}$argv
