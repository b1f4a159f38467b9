# runLoop.tcl --
#
# Cases of run.tcl with a peer outside Wine: loop-LOOP-CASE, with the loops and
# cases of loopOutside.tcl. Each has its own process of calls.tcl.

namespace eval run {
    variable loopCases {}
    foreach kind {tcl pump box} {
        foreach case {rt in out} {
            lappend loopCases loop-$kind-$case
        }
    }
}

proc run::Loop {shell case driver} {
    variable root
    variable options
    lassign [split $case -] - kind what
    set process [open |[list env TCLLIBPATH=[list Z:$root/build/testpackage] \
        {*}$shell $root/bench/calls.tcl \
        $driver Z:$root/bench/files 2>/dev/null]]
    set ports [gets $process]
    set load [expr {[info exists ::env(BENCH_LOAD)] ? $::env(BENCH_LOAD) : {}}]
    lassign [Execute 60 {*}$load tclsh $root/bench/loopOutside.tcl $kind $what \
        $options(-seconds) $ports] code output
    # With the core's driver it may not notice the end of its control
    # connection.
    catch {exec kill -KILL {*}[pid $process]}
    catch {close $process}
    if {![regexp -line {^RESULT (.*)$} $output -> result]} {
        puts "    $case: no result: [lindex [split $output \n] 0]"
        return {}
    }
    return $result
}
