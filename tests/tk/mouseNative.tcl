# mouseNative.tcl --
#
#       The peers of mouse.sh, in Debian's own tclsh, outside Wine.
#
#           mouseNative.tcl RUNNER

set folder [file dirname [file normalize [info script]]]
source [file join $folder .. nativeSupport.tcl]
source [file join $folder wishNative.tcl]
source [file join $folder servedNative.tcl]

# Returns where the window is: its client area, and its frame.
proc native::where {other} {
    set answer [ask $other where]
    if {[scan $answer {%*s %d %d %*dx%*d+%d+%d} left top x y] != 4} {
        error "wish does not say where it is: $answer"
    }
    return [list $left $top $x $y]
}

# Ends whatever a press of the button may have begun.
proc native::release {other} {
    step $other "release and Escape" {
        exec xdotool mouseup 1 mousemove 900 700 key Escape
    } {[lindex $answer 0] eq "none"}
}

# Presses the button in the title ("frame") or relative to the client area, and
# waits for the state that wish then has.
proc native::press {other state part dx dy} {
    step $other "press at $part $dx $dy for $state" {
        lassign [where $other] left top x y
        if {$part eq "client"} {
            lassign [list $left $top] x y
        }
        exec xdotool mousemove [expr {$x + $dx}] [expr {$y + $dy}] mousedown 1
    } [string map [list %s $state] {[lindex $answer 0] eq "%s"}] {
        release $other
    }
}

# Moves the pointer with the button down, until the frame is at a place. The
# pointer's way has two steps, as it would not move if it were there already.
proc native::drag {other x y dx dy} {
    step $other "drag to $x $y" {
        exec xdotool mousemove [expr {$x + $dx - 1}] [expr {$y + $dy}] \
            mousemove [expr {$x + $dx}] [expr {$y + $dy}]
    } [string map [list %x $x %y $y] {[string match *+%x+%y $answer]}]
}

# ----------------------------------------------------------------------

set pipe [native::startWish]

test mouse-1.1 {sockets are served while a window is dragged} -setup {
    set other [native::dial here]
} -body {
    set begun [native::begin]
    native::press $other move frame 150 10
    lassign [native::where $other] - - x y
    native::drag $other [expr {$x + 20}] [expr {$y + 10}] 150 10
    set result [native::served $other move $begun]
    native::drag $other [expr {$x + 30}] [expr {$y + 30}] 150 10
    native::step $other "release of the window" {
        exec xdotool mouseup 1
    } {[lindex $answer 0] eq "none"}
    lassign [native::where $other] - - toX toY
    list $result [expr {$toX - $x}] [expr {$toY - $y}]
} -cleanup {
    native::release $other
    close $other
} -result {ok 30 30}

test mouse-1.2 {sockets are served while a menu of the bar is open} -setup {
    set other [native::dial here]
} -body {
    set begun [native::begin]
    native::press $other menu client 15 -10
    exec xdotool mouseup 1
    set result [native::served $other menu $begun]
    native::step $other "click beside the menu" {
        lassign [native::where $other] left top
        exec xdotool mousemove [expr {$left + 200}] [expr {$top + 100}] click 1
    } {[lindex $answer 0] eq "none"}
    set result
} -cleanup {
    native::release $other
    close $other
} -result ok

fconfigure $pipe -blocking 1
close $pipe
native::endTests
