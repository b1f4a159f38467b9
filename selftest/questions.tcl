# questions.tcl --
#
#       Questions that only Windows can answer, as parts of the self-test:
#
#           tclsh questions.tcl NAME
#
#       Each prints what is expected and what was seen. Its peer is another
#       process, which has plain blocking Winsock calls (testraw): nothing that
#       one side does can wake the other, but by what it sends.
#
#       A body calls [saw] for each thing that it has seen, and [must] for each
#       condition. Speeds and other times are shown and decide nothing.

set here [file dirname [file normalize [info script]]]
source [file join $here support.tcl]
package require iocpsocktest

namespace eval question {
    variable wanted [lindex $::argv 0]
    variable known 0
    variable failures {}
    variable endMs ;# When a peer gives up: with its part.
}

# question NAME SECONDS EXPECTED BODY: runs the body if it is the one that is
# wanted. selftest.tcl reads the first two from this file.

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

# All that comes, and how it ends. Peers have this and the next one, too.

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

# "whole" for all bytes of the pattern and then the end of file.

proc ending {sock bytes} {
    lassign [receiveAll $sock] got how
    if {$how eq "end" && $got eq [support::pattern 0 $bytes]} {
        return whole
    }
    return "$how behind [string length $got] bytes"
}

# The script's process has testraw, and what is in the prelude. It ends at the
# latest when this one has long been ended.

proc peer {script args} {
    set prelude {
        package require iocpsocktest
        testwatchdog END "the peer was ended: it took too long\n"
        proc receive {sock count} {
            set got ""
            while {[string length $got] < $count} {
                set more [testraw recv $sock \
                    [expr {min(65536, $count - [string length $got])}]]
                if {$more eq ""} {
                    error "the end came behind [string length $got] bytes"
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
        # The longest of so many, in milliseconds.
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

# The connections of a peer that makes them one after the other.

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

# What a busy program does: nothing that serves events.

proc computeUntil {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $end} {
            return 0
        }
    }
    return 1
}

# The line that the peer prints, without the event loop.

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
