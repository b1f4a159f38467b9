# windowsNative.tcl --
#
#       The peers of windows.sh, in Debian's own tclsh, outside Wine.
#
#           windowsNative.tcl RUNNER

set folder [file dirname [file normalize [info script]]]
source [file join $folder .. nativeSupport.tcl]
source [file join $folder wishNative.tcl]

# Begins two things before a loop, which must continue inside: a copy, half of
# which is sent, and a close with output that the peer has not read.
proc native::begin {} {
    set copy [dial here]
    puts $copy copy
    fconfigure $copy -translation binary
    puts -nonewline $copy [string range [peer::data 300000] 0 149999]
    flush $copy
    set sink [dial here]
    puts $sink "send 3000000"
    return [list $copy $sink]
}

# Tries echoes and new clients in a state. Returns "ok", or the answers.
proc native::answers {other state} {
    set echoes [lsort -unique [lmap i [lrepeat 30 x] {ask $other echo $i}]]
    set clients [lsort -unique [lmap i [lrepeat 5 new] {
        set client [dial here]
        set answer [ask $client echo $i]
        close $client
        set answer
    }]]
    if {$echoes eq [list "$state x"] && $clients eq [list "$state new"]} {
        return ok
    }
    return [list $echoes $clients]
}

# Continues what was begun. Returns the verdicts on both.
proc native::finish {copy sink} {
    puts -nonewline $copy [string range [peer::data 300000] 150000 end]
    close $copy write
    return [list [peer::verdict [all $copy] 300000] \
        [peer::verdict [all $sink] 3000000]]
}

# Tries all that a server does, in a state. Returns "ok", or what it did.
proc native::served {other state begun} {
    set did [list [answers $other $state] [finish {*}$begun]]
    set begun [begin]
    lappend did [ask $other echo between] [finish {*}$begun]
    set listener [socket -server list -myaddr 127.0.0.1 0]
    lappend did [ask $other connect \
        [lindex [fconfigure $listener -sockname] 2]]
    close $listener
    set wanted [list ok {ok ok} "$state between" {ok ok} "$state connected "]
    return [expr {$did eq $wanted ? "ok" : $did}]
}

# ----------------------------------------------------------------------

set pipe [native::startWish]

set n 0
foreach {kind name} {
    messageBox "a message box" popup "a menu that pops up"
    move "a moving window" openFile "a file dialog"
} {
    incr n
    set m 0
    foreach from {timer handler} {
        test windows-$n.[incr m] "$name, opened by a $from" -body {
            set begun [native::begin]
            lassign [native::enter here $from $kind] chan other
            list [native::served $other [native::state $kind] $begun] \
                [native::leave here $chan $other $kind]
        } -result {ok ok}
    }
}

# One loop inside the other, each with its own way in. The last columns are the
# state in both, and the state after the end of the inner one. The end of a
# dialog also ends a menu. (A dialog that opens while a Tk window is moved is
# not among them: Tk then sets its service mode as if the move were over, and
# nothing is served.)
set n 5
foreach {outer outerFrom inner innerFrom both after} {
    messageBox timer messageBox handler dialog+dialog dialog
    messageBox handler popup timer dialog+menu dialog
    popup timer messageBox handler dialog+menu none
    popup handler openFile timer dialog+menu none
    openFile timer messageBox handler dialog+dialog dialog
    openFile handler popup handler dialog+menu dialog
} {
    incr n
    test windows-$n "$inner by a $innerFrom, in $outer by a $outerFrom" -body {
        lassign [native::enter here $outerFrom $outer] chan other
        set results [list [native::answers $other [native::state $outer]]]
        set begun [native::begin]
        set second [native::dial here]
        native::enterBy $second $other $innerFrom $inner $both
        lappend results [native::served $other $both $begun]
        lappend results [native::leaveBy $other $inner $both $after]
        lappend results [native::answers $other $after]
        close $second
        if {$after ne "none"} {
            lappend results [native::leave here $chan $other $outer]
        }
        set results
    } -result [expr {$after eq "none" ? "ok ok ok ok" : "ok ok ok ok ok"}]
}

# Loops that a user enters with the mouse.

test windows-20.1 {sockets are served while a window is dragged} -body {
    set begun [native::begin]
    set other [native::dial here]
    scan [lindex [native::ask $other where] 3] %dx%d%d%d w h x y
    native::mouse $other move mousemove [expr {$x + 150}] [expr {$y + 10}] \
        mousedown 1 mousemove_relative 20 10
    set result [native::served $other move $begun]
    native::mouse $other none mousemove_relative 10 20 mouseup 1
    scan [lindex [native::ask $other where] 3] %dx%d%d%d w h toX toY
    close $other
    list $result [expr {$toX - $x}] [expr {$toY - $y}]
} -result {ok 30 30}

test windows-20.2 {sockets are served while a menu of the bar is open} -body {
    set begun [native::begin]
    set other [native::dial here]
    lassign [native::ask $other where] - x y
    native::mouse $other menu mousemove [expr {$x + 15}] [expr {$y - 10}] \
        click 1
    set result [native::served $other menu $begun]
    native::mouse $other none mousemove [expr {$x + 100}] \
        [expr {$y + 100}] click 1
    close $other
    set result
} -result ok

fconfigure $pipe -blocking 1
close $pipe
native::endTests
