# questions.tcl --
#
#       Questions that only Windows can answer, as parts of the self-test:
#
#           tclsh questions.tcl NAME
#
#       Each question prints what is expected and what was seen. Its peer is
#       another process with plain blocking Winsock calls (testraw), so that one
#       side can wake the other only by sending something.
#
#       A body calls [saw] for each observation and [must] for each condition.
#       Speeds and other times are shown, but no condition depends on them.

set here [file dirname [file normalize [info script]]]
source [file join $here support.tcl]
package require iocpsocktest

namespace eval question {
    variable wanted [lindex $::argv 0]
    variable known 0
    variable failures {}
    variable endMs ;# After this time a peer gives up, as its part does.
}

# question NAME SECONDS EXPECTED BODY: runs the body if this question was asked
# for. selftest.tcl reads NAME and SECONDS from these files.

proc question {name seconds expected body} {
    if {$name ne $::question::wanted} {
        return
    }
    set ::question::known 1
    set ::question::endMs [expr {$seconds * 1000}]
    set ::support::guardMs [expr {$seconds * 750}]
    puts "expected: [regsub -all {\s+} [string trim $expected] { }]"
    flush stdout
    if {[catch {apply [list {} $body]} message options]} {
        lappend ::question::failures $message
        puts [dict get $options -errorinfo]
    }
}

proc saw {args} {
    puts "seen: [join $args]"
    flush stdout
}

proc must {condition text} {
    if {![uplevel 1 [list expr $condition]]} {
        puts "NOT AS EXPECTED: $text"
        flush stdout
        lappend ::question::failures $text
    }
}

proc milliseconds {script} {
    set started [clock microseconds]
    uplevel 1 $script
    return [format %.1f [expr {([clock microseconds] - $started) / 1000.0}]]
}

# ----------------------------------------------------------------------
# Peers

# receiveAll: returns all bytes that arrive, and how the connection ended. Peers
# have this procedure and the next one, too.

proc receiveAll {sock} {
    set got ""
    set how end
    while {1} {
        if {[catch {testraw recv $sock 65536} more]} {
            set how $more
            break
        }
        if {$more eq ""} {
            break
        }
        append got $more
    }
    testraw close $sock
    return [list $got $how]
}

# ending: returns "whole" if all bytes of the pattern and then the end of file
# arrived.

proc ending {sock bytes} {
    lassign [receiveAll $sock] got how
    if {$how eq "end" && $got eq [support::pattern 0 $bytes]} {
        return whole
    }
    return "$how after [string length $got] bytes"
}

# Starts a process that runs the script. It has testraw and the procedures of
# the prelude. A watchdog ends it if the process of this question was killed.

proc peer {script args} {
    set prelude {
        package require iocpsocktest
        testwatchdog END "the peer was killed: it took too long\n"
        proc receive {sock count} {
            set got ""
            while {[string length $got] < $count} {
                set more [testraw recv $sock \
                    [expr {min(65536, $count - [string length $got])}]]
                if {$more eq ""} {
                    error "end of file after [string length $got] bytes"
                }
                append got $more
            }
            return $got
        }
        proc trip {sock text} {
            set started [clock microseconds]
            testraw send $sock $text
            if {[receive $sock [string length $text]] ne $text} {
                error "an echo is wrong"
            }
            return [expr {([clock microseconds] - $started) / 1000.0}]
        }
        # The longest time of this many round trips on each socket, in ms.
        proc longest {socks count} {
            set longest 0
            for {set i 0} {$i < $count} {incr i} {
                foreach sock $socks {
                    set longest [expr {max($longest, [trip $sock echo-$i])}]
                }
            }
            return [format %.1f $longest]
        }
    }
    set prelude [string map [list END $::question::endMs] $prelude]
    foreach name {receiveAll ending} {
        append prelude \n \
            [list proc $name [info args $name] [info body $name]]
    }
    return [support::child $prelude\n$script {*}$args]
}

proc peerEnds {peer} {
    set end [support::childEnd $peer]
    must {[dict get $end status] == 0} "the peer failed: $end"
    return [dict get $end output]
}

# Accepts this many connections of a peer, in the order in which it makes them.

proc acceptSome {listener count} {
    set chans {}
    for {set i 0} {$i < $count} {incr i} {
        set chan [support::accept $listener]
        fconfigure $chan -translation binary -blocking 0 -buffering none
        lappend chans $chan
    }
    return $chans
}

proc echoOn {args} {
    foreach chan $args {
        fileevent $chan readable [list support::EchoMore $chan]
    }
}

# Computes until the condition is true, without serving events.

proc computeUntil {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $end} {
            return 0
        }
    }
    return 1
}

# Reads a line that the peer prints, without the event loop.

proc lineMeanwhile {peer ms} {
    fileevent $peer readable {}
    set came [computeUntil {[gets $peer ::question::line] >= 0} $ms]
    fileevent $peer readable [list support::ChildRead $peer]
    return [expr {$came ? $::question::line : "nothing"}]
}

proc makeFile {bytes} {
    set chan [file tempfile path iocpsockselftest.bin]
    fconfigure $chan -translation binary
    puts -nonewline $chan [support::pattern 0 $bytes]
    close $chan
    return $path
}

foreach file [lsort [glob -directory $here questions-*.tcl]] {
    source $file
}
if {!$question::known} {
    puts stderr "questions.tcl: there is no question \"$question::wanted\""
    exit 2
}
if {$question::failures ne ""} {
    puts "FAILED: [join $question::failures {; }]"
    exit 1
}
puts "as expected"
exit 0
