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
    lassign [line $pipe] port(here) port(flood)
    return $pipe
}
