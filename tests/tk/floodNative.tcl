# floodNative.tcl --
#
#       The peers of flood.sh, in Debian's own tclsh, outside Wine. Each flood
#       is a process of its own.
#
#           floodNative.tcl RUNNER      RUNNER: tools/tclsh86 or so

package require tcltest 2
namespace import ::tcltest::test

set runner [lindex $argv 0]
set argv {}
set here [file dirname [file normalize [info script]]]
source [file join $here .. tclshPeer.tcl]
source [file join $here .. messageLoopPeer.tcl]

namespace eval native {
    variable outside none
    variable guardMs 120000
    variable loops {messageBox dialog openFile dialog popup menu move move}
    variable floods 4
    variable pipe
    variable flooding
}

proc native::state {kind} {
    variable loops
    return [dict get $loops $kind]
}

# Starts wish with a driver, and the floods, whose handlers take so long;
# returns a channel when each of them has been served.
proc native::begin {driver ms} {
    variable pipe
    variable port
    variable floods
    variable flooding {}
    set ::env(IOCPSOCK_TEST_SOCKET) $driver
    set pipe [open "|[list $::runner [file join $::here wish.tcl]] \
        2>@stderr" r+]
    fconfigure $pipe -blocking 0 -buffering line
    lassign [line $pipe] port(here) port(flood)
    set chan [dial here]
    ask $chan compute $ms
    for {set i 0} {$i < $floods} {incr i} {
        lappend flooding [open "|[list [info nameofexecutable] \
            [file join $::here .. fairnessNative.tcl] flood $port(flood)]" r+]
    }
    turns $chan [expr {10 * $floods}]
    return $chan
}

# Waits until the floods have had so many turns.
proc native::turns {chan count} {
    variable guardMs
    set until [expr {[clock milliseconds] + $guardMs}]
    while {[lindex [set answer [ask $chan turns]] 1] < $count} {
        if {[clock milliseconds] > $until} {
            error "no turns: $answer"
        }
    }
}

proc native::end {} {
    variable pipe
    variable flooding
    foreach flood $flooding {
        close $flood
    }
    fconfigure $pipe -blocking 1
    close $pipe
}

# The median turns of the floods for which each kind of event waits, or how
# many were served within so many turns.
proc native::measure {driver ms limit} {
    set chan [begin $driver $ms]
    puts $chan "measure 15 $limit"
    set turns [lrange [line $chan] 1 end]
    end
    puts "    $driver, handlers of $ms ms: $turns"
    return $turns
}

# The same for presses of the mouse.
proc native::click {driver ms} {
    set chan [begin $driver $ms]
    lassign [ask $chan where] - x y
    ask $chan clicks
    set turns {}
    for {set i 0} {$i < 9} {incr i} {
        exec xdotool mousemove [expr {$x + 50 + $i}] [expr {$y + 50}] click 1
        lappend turns [lindex [ask $chan clicked] 1]
    }
    end
    puts "    $driver, handlers of $ms ms: clicks $turns"
    return [lindex [lsort -integer $turns] 4]
}

# "quick" if no kind waits for more turns than its limit, nor than with the
# core's driver and each flood once more.
proc native::verdict {ours core limits} {
    variable floods
    foreach {kind limit} $limits {
        set turns [dict get $ours $kind]
        if {![string is integer -strict $turns] || $turns > $limit
                || $turns > [dict get $core $kind] + $floods} {
            return "$kind: $ours, core: $core"
        }
    }
    return quick
}

# ----------------------------------------------------------------------

# A message takes one pass of the event loop to be read and one to be served.
# Idle events wait until there are none of other kinds, with either driver.
test flood-1.1 {keys, virtual events and timers} -body {
    native::verdict [native::measure iocpsock::socket 6 240] \
        [native::measure ::socket 6 240] {key 8 virtual 4 timer 8}
} -result quick

# A pass of quick handlers has up to 32 turns, where the core's has one for each
# channel.
test flood-1.2 {the same, and handlers that take no time} -body {
    set turns [native::measure iocpsock::socket 0 2000]
    native::verdict $turns $turns {key 72 virtual 4 timer 36}
} -result quick

# What an X client reads may be several messages: the pointer is moved, too.
test flood-1.3 {clicks} -body {
    native::verdict \
        [list click [native::click iocpsock::socket 20]] \
        [list click [native::click ::socket 20]] {click 16}
} -result quick

# In the core's driver each of these waits until the flood is over.
set n 0
foreach kind {messageBox popup move openFile} {
    test flood-2.[incr n] "Escape ends it: $kind" -setup {
        set other [native::begin iocpsock::socket 0]
        set chan [native::dial here]
    } -body {
        native::enterBy $chan $other handler $kind [native::state $kind]
        set turns [lindex [native::ask $other turns] 1]
        native::turns $other [expr {$turns + 100}]
        exec xdotool key Escape
        native::inside $other none
        native::turns $other [expr {$turns + 200}]
    } -cleanup {
        close $chan
        close $other
        native::end
    } -result {}
}

set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
