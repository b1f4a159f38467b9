# floodNative.tcl --
#
#       The peers of flood.sh, in Debian's own tclsh, outside Wine. Each flood
#       is a process of its own.
#
#           floodNative.tcl RUNNER

set folder [file dirname [file normalize [info script]]]
source [file join $folder .. nativeSupport.tcl]
source [file join $folder wishNative.tcl]

namespace eval native {
    variable floods 4
    variable pipe
    variable flooding
}

# Starts wish and the floods. Their handlers in wish take so many milliseconds.
# Returns a channel when each flood has been served.
proc native::begin {ms} {
    variable pipe
    variable port
    variable floods
    variable flooding {}
    set pipe [startWish]
    set chan [dial here]
    ask $chan compute $ms
    for {set i 0} {$i < $floods} {incr i} {
        lappend flooding [open "|[list [info nameofexecutable] \
            [file join $::here fairnessNative.tcl] flood $port(flood)]" r+]
    }
    turns $chan [expr {10 * $floods}]
    return $chan
}

# Waits until the floods have had this number of turns.
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

# Returns, for each kind of event, the median number of the floods' turns for
# which it waits, or how many events were served within the limit of turns.
proc native::measure {ms limit} {
    set chan [begin $ms]
    puts $chan "measure 15 $limit"
    set turns [lrange [line $chan] 1 end]
    puts "    handlers of $ms ms: $turns"
    return $turns
}

# The same for presses of the mouse. Each has a place of its own.
proc native::click {ms} {
    set chan [begin $ms]
    lassign [ask $chan where] - x y
    ask $chan clicks
    set turns {}
    for {set at 50} {$at < 59} {incr at} {
        exec xdotool mousemove [expr {$x + $at}] [expr {$y + 50}] click 1
        set answer [ask $chan clicked $at]
        if {![string is integer -strict [lindex $answer 1]]} {
            error "wish does not see the click at $at: $answer"
        }
        lappend turns [lindex $answer 1]
    }
    puts "    handlers of $ms ms: clicks $turns"
    return [list click [lindex [lsort -integer $turns] 4]]
}

# Returns "quick" if no kind waits for more turns than its limit.
proc native::verdict {waited limits} {
    foreach {kind limit} $limits {
        set turns [dict get $waited $kind]
        if {![string is integer -strict $turns] || $turns > $limit} {
            return "$kind: $turns turns, limit $limit: $waited"
        }
    }
    return quick
}

# ----------------------------------------------------------------------

# A message takes one pass of the event loop to be read and one to be served.
# Idle events wait until there are none of other kinds, with either driver.
test flood-1.1 {keys, virtual events and timers are served soon} -body {
    native::verdict [native::measure 6 240] {key 8 virtual 4 timer 8}
} -cleanup {
    native::end
} -result quick

# With quick handlers a pass has up to 32 turns. With the core's driver it has
# one for each channel.
test flood-1.2 {they are served soon among quick handlers, too} -body {
    native::verdict [native::measure 0 2000] {key 72 virtual 4 timer 36}
} -cleanup {
    native::end
} -result quick

# An X client may read several messages at a time: the pointer is moved, too.
test flood-1.3 {clicks are served soon} -body {
    native::verdict [native::click 20] {click 8}
} -cleanup {
    native::end
} -result quick

# With the core's driver each of these waits until the flood is over.
set n 0
foreach kind {messageBox popup move openFile} {
    test flood-2.[incr n] "Escape ends a modal loop: $kind" -constraints {
        iocpsock
    } -setup {
        set other [native::begin 0]
        set chan [native::dial here]
    } -body {
        native::enterBy $chan $other handler $kind [native::state $kind]
        set turns [lindex [native::ask $other turns] 1]
        native::turns $other [expr {$turns + 100}]
        native::step $other "Escape in $kind" {
            exec xdotool key Escape
        } {[lindex $answer 0] eq "none"}
        native::turns $other [expr {$turns + 200}]
    } -cleanup {
        close $chan
        close $other
        native::end
    } -result {}
}

native::endTests
