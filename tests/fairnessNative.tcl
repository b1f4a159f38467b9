# fairnessNative.tcl --
#
#       The peers of fairness.sh, in Debian's own tclsh, outside Wine. Each
#       flood is a process of its own.
#
#           fairnessNative.tcl RUNNER      RUNNER: tools/tclsh86 or so

package require tcltest 2
namespace import ::tcltest::test

if {[lindex $argv 0] eq "flood"} {
    # Until its standard input ends.
    fileevent stdin readable exit
    set chan [socket 127.0.0.1 [lindex $argv 1]]
    fconfigure $chan -blocking 0 -translation binary -buffering none
    fileevent $chan writable {puts -nonewline $chan [string repeat x 65536]}
    vwait forever
}
if {[lindex $argv 0] eq "connect"} {
    # Eight clients at a time, again and again.
    proc again {chan port} {
        if {$chan ne ""} {
            catch {read $chan}
            if {![eof $chan]} {
                return
            }
            close $chan
        }
        set chan [socket 127.0.0.1 $port]
        fconfigure $chan -blocking 0
        fileevent $chan readable [list again $chan $port]
    }
    fileevent stdin readable exit
    for {set i 0} {$i < 8} {incr i} {
        again {} [lindex $argv 1]
    }
    vwait forever
}

set runner [lindex $argv 0]
set argv {}
set script [file normalize [info script]]
set here [file dirname $script]
set ::env(IOCPSOCK_ANNOUNCE) 0

namespace eval native {
    variable answers
}

# Asks so many times, each time when the last answer is there, and returns the
# median of what happened between two answers, for others and for timers.
proc native::measure {kind mode count} {
    variable answers {}
    set server [open "|[list $::runner [file join $::here fairness.tcl] $mode] \
        2>@stderr" r+]
    lassign [gets $server] port slowPort
    set chan [socket 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -buffering none -translation binary
    set flood [open "|[list [info nameofexecutable] $::script $kind \
        [expr {$kind eq "flood" ? $port : $slowPort}]]" r+]
    set timer [after 40000 {lappend native::answers late}]
    fileevent $chan readable [list native::answered $chan]
    puts -nonewline $chan ?
    while {[llength $answers] < $count && "late" ni $answers} {
        vwait native::answers
    }
    after cancel $timer
    close $chan
    close $flood
    close $server
    if {"late" in $answers} {
        return "only [llength $answers] answers"
    }
    set turns [lsort -integer [lmap answer $answers {lindex $answer 0}]]
    set timers [lsort -integer [lmap answer $answers {lindex $answer 1}]]
    set middle [expr {$count / 2}]
    return [list [lindex $turns $middle] [lindex $timers $middle]]
}

proc native::answered {chan} {
    variable answers
    if {[gets $chan line] >= 0} {
        # Those count that come when the flood has begun.
        if {$answers ne "" || [lindex $line 0] > 0} {
            lappend answers [string trim $line]
        }
        puts -nonewline $chan ?
    }
}

# Its own time to ask again counts as turns of the flood, on a busy machine too.
proc native::isFair {measured} {
    lassign $measured turns timers
    if {[string is integer -strict $turns] && $turns <= 4 && $timers <= 3} {
        return fair
    }
    return $measured
}

set n 0
foreach mode {adaptive zero-byte flow-controlled burst-detection} {
    incr n
    test fairness-1.$n "a flood of bytes, $mode" -body {
        native::isFair [native::measure flood $mode 25]
    } -result fair
}
test fairness-2.1 {a flood of clients and a slow accept script} -body {
    native::isFair [native::measure connect adaptive 25]
} -result fair

set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
