# exitNative.tcl --
#
#       The peers of exit.sh, in Debian's own tclsh, outside Wine.
#
#           exitNative.tcl RUNNER      RUNNER: tools/tclsh86 or so

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
    variable loops {messageBox dialog popup menu move move}
}

proc native::state {kind} {
    variable loops
    return [dict get $loops $kind]
}

# Starts wish, and ends it in the way that is asked for, inside a modal loop or
# not. Returns what its peers have: of a channel with output, of one that was
# closed with much more than the system takes, of one that is quiet; and how
# the process ended.
proc native::finish {how {kind {}}} {
    variable port
    set pipe [open "|[list $::runner [file join $::here wish.tcl]] 2>@1" r+]
    fconfigure $pipe -blocking 0 -buffering line
    lassign [line $pipe] port(here)
    foreach name {full sink quiet asker} {
        set chan($name) [dial here]
    }
    ask $chan(quiet) echo here
    set entered {}
    if {$kind ne ""} {
        set entered [enter here handler $kind]
    }
    puts $chan(full) "fill 300000"
    puts $chan(sink) "send 3000000"
    ask $chan(asker) echo between
    set answer [lindex [ask $chan(asker) finish $how] 1]
    set sunk [all $chan(sink)]
    set got [list [peer::verdict [all $chan(full)] 300000] \
        [peer::verdict $sunk 3000000] $answer \
        [all $chan(asker)] [all $chan(quiet)]]
    foreach other $entered {
        lappend got [all $other]
    }
    lappend got [rest $pipe]
    fconfigure $pipe -blocking 1
    lappend got [catch {close $pipe}]
    return $got
}

# ----------------------------------------------------------------------

set n 0
foreach how {exit destroy button} {
    test exit-1.[incr n] "$how" -body {
        native::finish $how
    } -result {ok ok ending {} {} {} 0}
}

set n 0
# Wine goes on moving a window that is destroyed, until a key is pressed.
foreach {kind how} {
    messageBox exit messageBox destroy popup exit popup destroy move exit
} {
    test exit-2.[incr n] "$how, in $kind" -body {
        native::finish $how $kind
    } -result {ok ok ending {} {} {} {} {} 0}
}

set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
