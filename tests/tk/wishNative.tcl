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

# Does what xdotool is told, which makes wish enter a state, and waits for it.
# If wish answers that nothing happened, it is not the sockets that fail but the
# mouse: the script ends with status 3 (see display), and says what was where.
proc native::mouse {other state args} {
    exec xdotool {*}$args
    set until [expr {[clock milliseconds] + 30000}]
    set before [lindex [set answer [ask $other how]] 0]
    while {[lindex $answer 0] ne $state && [clock milliseconds] < $until} {
        set answer [ask $other how]
    }
    if {[lindex $answer 0] eq $state} {
        return
    }
    if {[lindex $answer 0] ne $before} {
        error "not inside: $answer"
    }
    puts "the mouse does nothing: $args"
    catch {exec xdotool getmouselocation >@stdout}
    catch {exec xwininfo -root -tree >@stdout}
    exit 3
}
