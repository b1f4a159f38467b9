# messageLoopNative.tcl --
#
#       The peers of messageLoop.sh, in Debian's own tclsh, outside Wine.
#
#           messageLoopNative.tcl RUNNER      RUNNER: tools/tclsh86 or so

package require tcltest 2
namespace import ::tcltest::test

set runner [lindex $argv 0]
set argv {}
set here [file dirname [file normalize [info script]]]
set ::env(IOCPSOCK_ANNOUNCE) 0
source [file join $here tclshPeer.tcl]
::tcltest::testConstraint iocpsock \
    [expr {$::env(IOCPSOCK_TEST_SOCKET) ne "::socket"}]

namespace eval native {
    variable guardMs 20000
    variable line
    variable port
}

# One line, or what came in its place, within the guard time.
proc native::line {chan} {
    variable line
    variable guardMs
    set timer [after $guardMs {set native::line "no answer in time"}]
    fileevent $chan readable [list native::Ready $chan]
    vwait native::line
    after cancel $timer
    fileevent $chan readable {}
    return $line
}

proc native::Ready {chan} {
    variable line
    if {[gets $chan text] >= 0} {
        set line [string trimright $text \r]
    } elseif {[eof $chan]} {
        set line "end of file"
    }
}

proc native::dial {which} {
    variable port
    set chan [socket 127.0.0.1 $port($which)]
    fconfigure $chan -blocking 0 -buffering line -translation lf
    return $chan
}

proc native::ask {chan args} {
    puts $chan $args
    return [line $chan]
}

# A client that has the server enter a loop, and one beside it.
proc native::enter {which from} {
    set chan [dial $which]
    set other [dial $which]
    set answers [list [ask $other echo before] [ask $chan loop $from]]
    if {$answers ne {{0 before} {0 looping}}} {
        error "not entered: $answers"
    }
    inside $other
    return [list $chan $other]
}

# The loop is entered behind the answer.
proc native::inside {other} {
    for {set i 0} {[set answer [ask $other echo in]] eq "0 in"} {incr i} {
        if {$i > 1000} {
            break
        }
    }
    if {$answer ne "1 in"} {
        error "not inside: $answer"
    }
}

# Ends the loop, by the client beside; "ok" if it ran until then. What comes at
# once behind the end may still be served inside.
proc native::leave {which chan other} {
    set answers [list [ask $other end]]
    for {set i 0} {$i < 1000} {incr i} {
        set how [ask $other how]
        if {[string index $how 0] ne "1"} {
            break
        }
    }
    lappend answers $how
    close $chan
    close $other
    return [expr {$answers eq {{1 ending} {0 stopped}} ? "ok" : $answers}]
}

# All bytes up to the end of file.
proc native::all {chan} {
    variable guardMs
    variable got ""
    fconfigure $chan -translation binary
    set timer [after $guardMs {append native::got "...no end in time"
        set native::line late}]
    fileevent $chan readable [list native::More $chan]
    vwait native::line
    after cancel $timer
    close $chan
    return $got
}

proc native::More {chan} {
    variable got
    append got [read $chan 65536]
    if {[eof $chan]} {
        fileevent $chan readable {}
        set ::native::line end
    }
}

# ----------------------------------------------------------------------

set pipe [open "|[list $runner [file join $here messageLoop.tcl]] 2>@stderr" r+]
fconfigure $pipe -blocking 0 -buffering line
lassign [native::line $pipe] native::port(here) native::port(moved)

set n 0
foreach {which from} {here timer here handler moved timer moved handler} {
    incr n
    set how "$which, entered by a $from"

    test messageLoop-$n.1 "echoes ($how)" -body {
        lassign [native::enter $which $from] chan other
        set answers {}
        for {set i 0} {$i < 30} {incr i} {
            lappend answers [native::ask $other echo $i]
        }
        list [lsort -unique [lmap answer $answers {lindex $answer 0}]] \
            [llength $answers] [native::leave $which $chan $other]
    } -result {1 30 ok}

    test messageLoop-$n.2 "new clients ($how)" -body {
        lassign [native::enter $which $from] chan other
        set answers {}
        for {set i 0} {$i < 5} {incr i} {
            set client [native::dial $which]
            lappend answers [native::ask $client echo new]
            close $client
        }
        list [lsort -unique $answers] [native::leave $which $chan $other]
    } -result {{{1 new}} ok}

    test messageLoop-$n.3 "fcopy ($how)" -body {
        set copy [native::dial $which]
        puts $copy copy
        lassign [native::enter $which $from] chan other
        fconfigure $copy -translation binary
        puts -nonewline $copy [peer::data 1000000]
        close $copy write
        set got [native::all $copy]
        list [peer::verdict $got 1000000] \
            [native::leave $which $chan $other]
    } -result {ok ok}

    test messageLoop-$n.4 "a close in the background ($how)" -body {
        set sink [native::dial $which]
        lassign [native::enter $which $from] chan other
        puts $sink "send 3000000"
        set answer [native::ask $other echo between]
        set got [native::all $sink]
        list $answer [string length $got] [native::leave $which $chan $other]
    } -result {{1 between} 3000000 ok}

    test messageLoop-$n.5 "connects ($how)" -setup {
        set listener [socket -server list -myaddr 127.0.0.1 0]
        set to [lindex [fconfigure $listener -sockname] 2]
    } -body {
        lassign [native::enter $which $from] chan other
        list [native::ask $other connect $to] \
            [native::leave $which $chan $other]
    } -cleanup {
        close $listener
    } -result {{1 connected } ok}

    test messageLoop-$n.6 "silent clients are dropped ($how)" -constraints {
        iocpsock
    } -body {
        lassign [native::enter $which $from] chan other
        set silent [socket 127.0.0.1 \
            [lindex [native::ask $other watchdog 200] 1]]
        set got [native::all $silent]
        list $got [native::leave $which $chan $other]
    } -result {{} ok}

    # Both clients' lines are there when the blocking handler comes back, so
    # that one event is queued behind the other.
    test messageLoop-$n.7 "an event behind the one that enters ($how)" -body {
        set block [native::dial $which]
        set chan [native::dial $which]
        set other [native::dial $which]
        set answers [list [native::ask $chan echo 1] \
            [native::ask $other echo 2] [native::ask $block block]]
        puts $chan "loop $from"
        puts $other "echo behind"
        lappend answers [native::ask $block on] [native::line $chan] \
            [lindex [native::line $other] 1]
        close $block
        native::inside $other
        list $answers [native::leave $which $chan $other]
    } -result {{{0 1} {0 2} {0 blocking} {0 on} {0 looping} behind} ok}
}

fconfigure $pipe -blocking 1
close $pipe
set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
