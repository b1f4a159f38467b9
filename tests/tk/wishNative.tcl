# wishNative.tcl --
#
#       Sourced by the scripts whose peers talk to wish (wish.tcl), after
#       nativeSupport.tcl.

source [file join $here tclshPeer.tcl]
source [file join $here messageLoopPeer.tcl]

namespace eval native {
    # How answers of wish begin outside of any loop, and inside each kind.
    variable outside none
    variable loops {messageBox dialog openFile dialog popup menu move move}
    variable guardMs 120000
    # How often a step of xdotool is made, and how long its effect may take.
    variable tries 5
    variable stepMs 10000
}

proc native::state {kind} {
    variable loops
    return [dict get $loops $kind]
}

# Starts wish. Returns its pipe; port(here) and port(flood) are its ports.
proc native::startWish {{errors 2>@stderr}} {
    variable port
    set pipe [open "|[list $::runner [file join $::here tk wish.tcl]] \
        $errors" r+]
    fconfigure $pipe -blocking 0 -buffering line
    set ports [line $pipe]
    if {[scan $ports "%d %d" port(here) port(flood)] != 2} {
        error "wish does not start: $ports"
    }
    return $pipe
}

# Makes a step with xdotool, and waits until the answers to "where" show its
# effect. If they do not, "undo" follows, and the step is made again: a step
# must do no harm if it takes effect late.
proc native::step {other name step condition {undo {}}} {
    variable tries
    variable stepMs
    for {set try 1} {$try <= $tries} {incr try} {
        uplevel 1 $step
        set answer [askUntil $other $condition where $stepMs]
        if $condition {
            return
        }
        if {![string match {* *x*+*+*} $answer]} {
            error "wish does not answer after '$name': $answer"
        }
        uplevel 1 $undo
    }
    error "xdotool has no effect: $name, $tries times; wish: $answer;\
        pointer: [exec xdotool getmouselocation]"
}
