# windowsNative.tcl --
#
#       The peers of windows.sh, in Debian's own tclsh, outside Wine.
#
#           windowsNative.tcl RUNNER

set folder [file dirname [file normalize [info script]]]
source [file join $folder .. nativeSupport.tcl]
source [file join $folder wishNative.tcl]
source [file join $folder servedNative.tcl]

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

fconfigure $pipe -blocking 1
close $pipe
native::endTests
