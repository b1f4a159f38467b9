# messageLoopPeer.tcl --
#
#       Sourced by messageLoopNative.tcl and tk/wishNative.tcl: clients that
#       make the server enter and leave a message loop. native::port(here) and
#       native::port(moved) are the ports of the server.

namespace eval native {
    variable guardMs 20000
    variable outside 0
    variable line
    variable port
}

# Returns how the answers of the server begin when it is in a loop.
proc native::state {kind} {
    return 1
}

# Returns a line, or what came instead, within the guard time.
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

# Returns a client that made the server enter a loop, and a second client.
proc native::enter {which from {kind pump}} {
    set chan [dial $which]
    set other [dial $which]
    enterBy $chan $other $from $kind [state $kind]
    return [list $chan $other]
}

# Makes the server enter a loop, and waits for the state that it then has.
proc native::enterBy {chan other from kind state} {
    set before [lindex [ask $other echo before] 0]
    set answer [ask $chan loop $from $kind]
    if {$answer ne "$before looping"} {
        error "not entered: $answer"
    }
    inside $other $state
}

# Waits for a state of the server, which enters the loop after its answer.
proc native::inside {other state} {
    set answer [askUntil $other {[lindex $answer 0] eq $state}]
    if {[lindex $answer 0] ne $state} {
        error "not inside: $answer"
    }
}

# Asks for the state of the server and for the end of its last loop, or another
# question, until the condition is true or time is up. The condition uses
# "answer". Windows hands out posted messages before input, and the core's
# driver posts one for each question: without the pauses, which grow, the mouse
# could wait for ever.
proc native::askUntil {other condition {question how} {limitMs 0}} {
    variable guardMs
    upvar 1 answer answer
    set until [expr {[clock milliseconds] + ($limitMs ? $limitMs : $guardMs)}]
    set answer [ask $other $question]
    for {set pauseMs 10} {![uplevel 1 [list expr $condition]]
            && [clock milliseconds] < $until} {
        set pauseMs [expr {min(320, 2 * $pauseMs)}]
    } {
        after $pauseMs
        set answer [ask $other $question]
    }
    return $answer
}

# Ends the loop with the second client. Returns "ok" if it ran until then.
proc native::leave {which chan other {kind pump}} {
    variable outside
    set result [leaveBy $other $kind [state $kind] $outside]
    close $chan
    close $other
    return $result
}

# The same, with the states before and after. A request right behind the end may
# still be served inside, and a dialog may be gone before its menu.
proc native::leaveBy {other kind before after} {
    set answers [list [ask $other end $kind] \
        [askUntil $other {
            [llength $answer] > 1 && [lindex $answer 0] eq $after
        }]]
    if {$answers eq [list "$before ending" "$after stopped"]} {
        return ok
    }
    return $answers
}

# Returns all bytes up to the end of file.
proc native::all {chan} {
    fconfigure $chan -translation binary
    set bytes [rest $chan]
    close $chan
    return $bytes
}

proc native::rest {chan} {
    variable guardMs
    variable got ""
    set timer [after $guardMs {append native::got "...no end in time"
        set native::line late}]
    fileevent $chan readable [list native::More $chan]
    vwait native::line
    after cancel $timer
    fileevent $chan readable {}
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
