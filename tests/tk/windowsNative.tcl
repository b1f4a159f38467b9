# windowsNative.tcl --
#
#       The peers of windows.sh, in Debian's own tclsh, outside Wine.
#
#           windowsNative.tcl RUNNER      RUNNER: tools/tclsh86 or so

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
}

proc native::state {kind} {
    variable loops
    return [dict get $loops $kind]
}

# What is begun before a loop and has to go on in it: a copy, of which half is
# sent, and a close of what the peer has not read.
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

# Echoes and new clients in this state: "ok", or what came.
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

# Goes on with what was begun; the verdicts on both.
proc native::finish {copy sink} {
    puts -nonewline $copy [string range [peer::data 300000] 150000 end]
    close $copy write
    return [list [peer::verdict [all $copy] 300000] \
        [peer::verdict [all $sink] 3000000]]
}

# All that a server does in this state; "ok", or what it did.
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

set pipe [open "|[list $runner [file join $here wish.tcl]] 2>@stderr" r+]
fconfigure $pipe -blocking 0 -buffering line
lassign [native::line $pipe] native::port(here) native::port(flood)

set n 0
foreach {kind name} {
    messageBox "a message box" popup "a menu that pops up"
    move "a window that is moved" openFile "a file dialog"
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

# One inside the other, each with its own way in: the state in both, and the one
# behind the inner one's end. A dialog's end takes a menu along. (A dialog that
# is opened while a window of Tk's is moved is not among them: there Tk sets its
# service mode as if the move were over, and nothing at all is served.)
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

# By the hand of a user.

test windows-20.1 {a window is dragged by its frame} -body {
    set begun [native::begin]
    set other [native::dial here]
    scan [lindex [native::ask $other where] 3] %dx%d%d%d w h x y
    exec xdotool mousemove [expr {$x + 150}] [expr {$y + 10}] mousedown 1 \
        mousemove_relative 20 10
    native::inside $other move
    set result [native::served $other move $begun]
    exec xdotool mousemove_relative 10 20 mouseup 1
    native::inside $other none
    scan [lindex [native::ask $other where] 3] %dx%d%d%d w h toX toY
    close $other
    list $result [expr {$toX - $x}] [expr {$toY - $y}]
} -result {ok 30 30}

test windows-20.2 {a menu of the bar} -body {
    set begun [native::begin]
    set other [native::dial here]
    lassign [native::ask $other where] - x y
    exec xdotool mousemove [expr {$x + 15}] [expr {$y - 10}] click 1
    native::inside $other menu
    set result [native::served $other menu $begun]
    exec xdotool mousemove [expr {$x + 100}] [expr {$y + 100}] click 1
    native::inside $other none
    close $other
    set result
} -result ok

fconfigure $pipe -blocking 1
close $pipe
set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
