# fairnessNative.tcl --
#
#       The peers of fairness.sh, in Debian's own tclsh, outside Wine. Each
#       flood is a process of its own.
#
#           fairnessNative.tcl RUNNER
#           fairnessNative.tcl flood|connect PORT

if {[lindex $argv 0] eq "flood"} {
    # This process runs until its standard input ends.
    fileevent stdin readable exit
    set chan [socket 127.0.0.1 [lindex $argv 1]]
    fconfigure $chan -blocking 0 -translation binary -buffering none
    fileevent $chan writable {puts -nonewline $chan [string repeat x 65536]}
    vwait forever
}
if {[lindex $argv 0] eq "connect"} {
    # Eight clients at a time connect again and again.
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

set script [file normalize [info script]]
source [file join [file dirname $script] nativeSupport.tcl]

namespace eval native {
    variable answers
}

# Asks a number of times, each time after the last answer. Returns the medians
# of the turns of the flood and of timers between two answers.
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
        # Answers count from the beginning of the flood.
        if {$answers ne "" || [lindex $line 0] > 0} {
            lappend answers [string trim $line]
        }
        puts -nonewline $chan ?
    }
}

# The time to ask again counts as turns of the flood, on a busy machine, too.
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
    test fairness-1.$n "others have turns in a flood of bytes, $mode" -body {
        native::isFair [native::measure flood $mode 25]
    } -result fair
}
test fairness-2.1 {others have turns in a flood of slow accepts} -body {
    native::isFair [native::measure connect adaptive 25]
} -result fair

native::endTests
