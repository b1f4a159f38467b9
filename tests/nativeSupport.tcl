# nativeSupport.tcl --
#
#       Sourced by the scripts that run tests in Debian's own tclsh, outside
#       Wine, with a Windows tclsh as the other side:
#
#           SCRIPT RUNNER ?tcltest options?     RUNNER: tools/tclsh86 or so
#
#       It sets "runner" and "here", this folder. native::endTests ends the
#       script.

package require tcltest 2
namespace import ::tcltest::test

set argv [lassign $argv runner]
tcltest::configure {*}$argv
set argv {}
set here [file dirname [file normalize [info script]]]
set ::env(IOCPSOCK_ANNOUNCE) 0

namespace eval native {}

# The exit status is 0 if tests ran and all of them passed.
proc native::endTests {} {
    set failed [expr {$tcltest::numTests(Failed) != 0
        || $tcltest::numTests(Passed) == 0}]
    tcltest::cleanupTests
    exit $failed
}
