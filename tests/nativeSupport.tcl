# nativeSupport.tcl --
#
#       Sourced by the scripts that run tests in Debian's own tclsh, outside
#       Wine, with a Windows tclsh as the other side:
#
#           SCRIPT RUNNER ?tcltest options?     RUNNER: tools/tclsh86 or so
#
#       It sets "runner" and "here", this folder. native::endTests ends the
#       script. IOCPSOCK_TEST_SOCKET chooses the driver (see support.tcl); the
#       constraint "iocpsock" is false with the core's.

package require tcltest 2
namespace import ::tcltest::test

# A script that is killed has said which tests it had run, and for how long.
fconfigure stdout -buffering line
tcltest::configure -verbose {body error msec}
set argv [lassign $argv runner]
tcltest::configure {*}$argv
set argv {}
set here [file dirname [file normalize [info script]]]
set ::env(IOCPSOCK_ANNOUNCE) 0

namespace eval native {
    variable driver iocpsock::socket
    if {[info exists ::env(IOCPSOCK_TEST_SOCKET)]
            && $::env(IOCPSOCK_TEST_SOCKET) ne ""} {
        set driver $::env(IOCPSOCK_TEST_SOCKET)
    }
}
tcltest::testConstraint iocpsock [expr {$native::driver ne "::socket"
    || [info exists ::env(IOCPSOCK_TEST_INCORE)]}]

# The exit status is 0 if tests ran and all of them passed.
proc native::endTests {} {
    set failed [expr {$tcltest::numTests(Failed) != 0
        || $tcltest::numTests(Passed) == 0}]
    tcltest::cleanupTests
    exit $failed
}
