# runUdp.tcl --
#
# The datagram cases of run.tcl: bench/calls.tcl or bench/calls.js as the
# process under test, and bench/udpOutside.tcl, which describes the cases, as
# its peer outside Wine.

namespace eval runUdp {
    variable cases {}
    foreach kind {echo1 echo100 in flood out} {
        lappend cases udp-$kind-64 udp-$kind-1400
    }
}

# Returns what a case measures in turn, as run::Contenders does. The core has no
# datagrams. "channel" is this driver with read and puts.
proc runUdp::Contenders {version case} {
    set root $run::root
    set driver [list Z:$root/bench/calls.tcl $run::ours Z:$root/bench/files]
    set ours [list $root/tools/tclsh$version {*}$driver]
    set native [list tclsh $root/bench/calls.tcl ::socket $root/bench/files]
    dict set contenders iocpsock [list runUdp::Once udp $case $ours]
    dict set contenders channel [list runUdp::Once channel $case $ours]
    if {$run::options(-node) && [file exists $run::node]} {
        dict set contenders node [list runUdp::Once udp $case [list \
            env NODE_SKIP_PLATFORM_CHECK=1 IOCPSOCK_SHELL=$run::node \
            $root/tools/wine-tclsh 86 $root/bench/calls.js \
            Z:$root/bench/files]]
    }
    dict set contenders native [list runUdp::Once udp $case $native]
    return $contenders
}

# Starts the process, and measures a case with its peer. Node's standard streams
# must be files under Wine.
proc runUdp::Once {way case command} {
    set name [exec mktemp -t iocpsock.XXXXXX]
    set pid [exec {*}$command </dev/null >$name 2>@1 &]
    set ports [run::ProgramLine $pid $name {^PORTS .*$}]
    set result [expr {$ports eq {} ? {} : [Measure $way $case $ports \
        $pid]}]
    run::EndProgram $pid $name
    return $result
}

proc runUdp::Measure {way case ports pid} {
    set before [run::Look $pid]
    set load [expr {[info exists ::env(BENCH_LOAD)] ? $::env(BENCH_LOAD) : {}}]
    set client [open |[list {*}$load timeout -k 5 60 tclsh \
        $run::root/bench/udpOutside.tcl [string trim $ports] $way \
        $run::options(-seconds) [string range $case 4 end] 2>@1] r+]
    gets $client line
    if {![regexp {^RESULT (.*)$} $line -> result]} {
        puts "    $case: no result: $line"
        catch {close $client}
        return {}
    }
    # The process under test, and Wine's server, for each datagram.
    set after [run::Look $pid]
    foreach key {cpuUs serverCpuUs} {
        dict set result $key [expr {double([dict get $after $key]
            - [dict get $before $key]) / [dict get $result all]}]
    }
    catch {close $client}
    dict set result lostPercent [expr {
        100.0 * [dict get $result lost] / max(1, [dict get $result sent])}]
    return $result
}
