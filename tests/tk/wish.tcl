# wish.tcl --
#
#       The side of windows.sh, mouse.sh, flood.sh and exit.sh in wish. It
#       prints the port of a server whose answers begin with the modal loops of
#       the thread, in the words of Windows ("dialog", "menu", "dialog+move" and
#       so on, or "none"), and the port of a server that reads and drops its
#       input.

source [file join [file dirname [info script]] .. support.tcl]
package require iocpsocktest
package require Tk
source [file join [file dirname [info script]] .. messageLoopServer.tcl]

namespace eval server {
    variable stopped 0
    variable kinds {
        messageBox dialog openFile dialog saveFile dialog
        chooseDirectory dialog chooseColor dialog popup menu move move
    }
}

proc server::state {} {
    set loops [testwindow modal]
    return [expr {$loops eq "" ? "none" : [join $loops +]}]
}

proc server::run {kind} {
    variable stopped
    set before $stopped
    run-$kind
    return [expr {$stopped > $before ? "stopped" : "over by itself"}]
}

proc server::stop {kind} {
    variable kinds
    variable stopped
    incr stopped
    testwindow end [dict get $kinds $kind]
}

proc server::run-messageBox {} {
    tk_messageBox -message "A box" -type okcancel
}

proc server::run-openFile {} {
    tk_getOpenFile -initialdir [pwd]
}

proc server::run-saveFile {} {
    tk_getSaveFile -initialdir [pwd]
}

proc server::run-chooseDirectory {} {
    tk_chooseDirectory -initialdir [pwd]
}

proc server::run-chooseColor {} {
    tk_chooseColor
}

proc server::run-popup {} {
    tk_popup .popup 300 300
}

# Starts a move by the keyboard: WM_SYSCOMMAND with SC_MOVE, as the window's
# own menu sends it.
proc server::run-move {} {
    testwindow send [wm frame .] 0x112 0xF010 0
}

# Reports each press of a mouse button after the peer has announced it by its x
# coordinate, and how many turns the floods had in between.
proc server::command-clicks {chan} {
    focus -force .
    bind . <Button-1> {::server::press click %x}
    set ::server::clicker $chan
    answer $chan ready
}

proc server::command-clicked {chan x} {
    press said $x
}

proc server::press {what x} {
    variable pressed
    variable clicker
    set pressed($what,$x) $::flood::turns
    if {[info exists pressed(click,$x)] && [info exists pressed(said,$x)]} {
        answer $clicker \
            [expr {max(0, $pressed(click,$x) - $pressed(said,$x))}]
    }
}

# Returns where the peer finds the things that it presses with the mouse.
proc server::command-where {chan} {
    answer $chan [list [winfo rootx .] [winfo rooty .] [wm geometry .]]
}

# Output that is still waiting when the process ends.
proc server::command-fill {chan count} {
    fileevent $chan readable {}
    fconfigure $chan -translation binary -blocking 1
    puts -nonewline $chan [peer::data $count]
}

# The ways in which a program with windows ends.
proc server::command-finish {chan how} {
    answer $chan ending
    after 0 [list ::server::finish-$how]
}

proc server::finish-exit {} {
    exit
}

proc server::finish-destroy {} {
    destroy .
}

# Posts WM_CLOSE, as the frame's own button does.
proc server::finish-button {} {
    testwindow post [wm frame .] 0x10 0 0
}

# ----------------------------------------------------------------------
# A handler works for some time on the data of a flood. It posts events of
# several kinds, and again when they have been served.

namespace eval flood {
    variable ms 0
    variable turns 0
    variable wanted 0
    variable posted
    variable lags
}

proc flood::accepted {chan args} {
    fconfigure $chan -blocking 0 -translation binary -buffersize 32768
    fileevent $chan readable [list ::flood::turn $chan]
}

proc flood::turn {chan} {
    variable ms
    variable turns
    if {[catch {read $chan 32768}] || [eof $chan]} {
        catch {close $chan}
        return
    }
    incr turns
    set from [clock milliseconds]
    while {[clock milliseconds] - $from < $ms} {}
    measure
}

# Posts each kind that is not outstanding.
proc flood::measure {} {
    variable wanted
    variable turns
    variable posted
    variable lags
    if {$wanted == 0} {
        return
    }
    foreach kind {key virtual timer idle} {
        if {$posted($kind) eq "" && [llength $lags($kind)] < $wanted} {
            set posted($kind) $turns
            post-$kind
        }
    }
    report
}

# WM_KEYDOWN and WM_KEYUP of F5.
proc flood::post-key {} {
    testwindow post [winfo id .] 0x100 0x74 0
    testwindow post [winfo id .] 0x101 0x74 0xC0000001
}

proc flood::post-virtual {} {
    event generate . <<Ping>> -when tail
}

proc flood::post-timer {} {
    after 1 {::flood::served timer}
}

proc flood::post-idle {} {
    after idle {::flood::served idle}
}

proc flood::served {kind} {
    variable turns
    variable posted
    variable lags
    if {[info exists posted($kind)] && $posted($kind) ne ""} {
        lappend lags($kind) [expr {$turns - $posted($kind)}]
        set posted($kind) ""
    }
}

# When each kind has been served often enough, or never will be, reports the
# median of the turns that each has waited.
proc flood::report {} {
    variable wanted
    variable turns
    variable limit
    variable lags
    variable asker
    set served [tcl::mathfunc::min {*}[lmap kind [array names lags] {
        llength $lags($kind)
    }]]
    if {$served < $wanted && $turns < $limit} {
        return
    }
    set text {}
    foreach kind {key virtual timer idle} {
        set sorted [lsort -integer $lags($kind)]
        lappend text $kind \
            [expr {[llength $sorted] < $wanted ? "[llength $sorted] served"
                : [lindex $sorted [expr {$wanted / 2}]]}]
    }
    set wanted 0
    server::answer $asker $text
}

proc server::command-compute {chan ms} {
    set ::flood::ms $ms
    answer $chan computes
}

proc server::command-turns {chan} {
    answer $chan $::flood::turns
}

proc server::command-measure {chan wanted limit} {
    foreach kind {key virtual timer idle} {
        set ::flood::posted($kind) ""
        set ::flood::lags($kind) {}
    }
    focus -force .
    set ::flood::turns 0
    set ::flood::limit $limit
    set ::flood::asker $chan
    set ::flood::wanted $wanted
}

menu .bar
. configure -menu .bar
menu .bar.file -tearoff 0
.bar add cascade -label File -menu .bar.file
.bar.file add command -label "Of the bar"
menu .popup -tearoff 0
.popup add command -label "Popped up"
wm geometry . 300x200+50+50
update

bind . <F5> {::flood::served key}
bind . <<Ping>> {::flood::served virtual}

puts [list [server::listen server::accepted] [server::listen flood::accepted]]
flush stdout
fileevent stdin readable {
    if {[gets stdin line] < 0 && [eof stdin]} {
        exit
    }
}
