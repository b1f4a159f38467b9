# fairness.tcl --
#
#       The Windows side of fairness.sh. Its handler works for 40 ms on each
#       read from a peer that sends much; the accept script of the second
#       server works as long for each client. A peer that sends a single byte
#       gets an answer: how many times this happened since its last answer, and
#       since the last timer at most.
#
#           fairness.tcl MODE      MODE: a -recvmode
#
#       It prints the ports of both servers.

source [file join [file dirname [info script]] support.tcl]

namespace eval fair {
    variable turns 0
    variable answered 0
    variable most 0
}

# A handler that takes time.
proc fair::compute {} {
    variable turns
    incr turns
    set from [clock milliseconds]
    while {[clock milliseconds] - $from < 40} {}
}

proc fair::accepted {chan args} {
    fconfigure $chan -blocking 0 -translation binary -buffersize 32768
    fileevent $chan readable [list ::fair::serve $chan]
}

proc fair::serve {chan} {
    variable turns
    variable answered
    variable most
    if {[catch {read $chan 32768} bytes] || [eof $chan]} {
        catch {close $chan}
    } elseif {[string length $bytes] > 100} {
        compute
    } elseif {$bytes ne ""} {
        puts $chan "[expr {$turns - $answered}] $most"
        flush $chan
        set answered $turns
        set most 0
    }
}

proc fair::slowAccept {chan args} {
    compute
    close $chan
}

# A timer that is always due after a run of the handler.
proc fair::tick {turnsThen} {
    variable turns
    variable most
    set most [expr {max($most, $turns - $turnsThen)}]
    after 10 [list ::fair::tick $turns]
}

set listener [support::sock -server fair::accepted -myaddr 127.0.0.1 0]
fconfigure $listener -recvmode [lindex $argv 0]
set slow [support::sock -server fair::slowAccept -myaddr 127.0.0.1 0]
puts [list [support::port $listener] [support::port $slow]]
flush stdout
fair::tick 0
fileevent stdin readable {
    if {[gets stdin line] < 0 && [eof stdin]} {
        set done 1
    }
}
vwait done
exit
