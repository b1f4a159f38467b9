# run.tcl ?OPTION ...?
#
# Runs the cases of bench.tcl in the Windows tclsh. Each round has one run with
# each driver, so that other activity on the machine affects all alike. A figure
# is the median of the rounds; a ratio is the median of the rounds' ratios. The
# script writes table.txt, results.json and the plots to a folder. tools/bench
# runs it in the machine's own tclsh.
#
# -tcl 86|90|all    the Tcls; default all
# -rounds N         the number of rounds; default 5
# -seconds N        how long a run measures; default 1
# -cases PATTERNS   cases of bench/cases.tcl, runUdp.tcl and runLoop.tcl, and of
#                   http below; default all
# -driver SCRIPT    one more driver, as for bench.tcl; can be repeated
# -node yes|no      also Node for Windows, if set-up has fetched it; default yes
# -out FOLDER       the folder of the results; default build/bench

package require json::write

namespace eval run {
    variable root [file dirname [file dirname [file normalize [info script]]]]
    variable options
    array set options {
        -tcl all -rounds 5 -seconds 1 -cases * -out build/bench -node yes
    }
    variable drivers {
        core {::socket {}}
        iocpsock {{package require iocpsock; iocpsock::socket} {}}
    }
    variable ours {package require iocpsock; iocpsock::socket}
    # These cases also run in each of the driver's receive modes.
    variable modes {zero-byte flow-controlled burst-detection}
    variable inEachMode {rt1 rt100 bulk64k memory}
    variable node [file join [expr {[info exists ::env(XDG_CACHE_HOME)]
        ? $::env(XDG_CACHE_HOME) : "$::env(HOME)/.cache"}] \
        iocpsock node-win64 bin node.exe]
    variable ticksPerSecond [exec getconf CLK_TCK]
    variable results {}
}

source [file join $run::root bench report.tcl]
source [file join $run::root bench runUdp.tcl]
source [file join $run::root bench runLoop.tcl]

proc run::Fail {message} {
    puts stderr "bench: $message"
    exit 1
}

proc run::ParseOptions {arguments} {
    variable options
    variable drivers
    if {[llength $arguments] % 2} {
        Fail "value for the last option missing"
    }
    foreach {name value} $arguments {
        if {$name eq "-driver"} {
            dict set drivers [lindex $value end] [list $value {}]
        } elseif {[info exists options($name)]} {
            set options($name) $value
        } else {
            Fail "unknown option \"$name\": should be one of -driver,\
                [join [lsort [array names options]] {, }]"
        }
    }
}

# Runs a program with a time limit, and returns {status output}.
proc run::Execute {seconds args} {
    set code [catch {
        exec timeout -k 5 $seconds {*}$args </dev/null 2>@1
    } output]
    return [list $code $output]
}

# Returns the process id of Wine's server, to measure its CPU time. The server
# exists after the first program has run.
proc run::ServerPid {} {
    foreach folder [glob -nocomplain /proc/\[0-9\]*] {
        if {![catch {
            set name [ReadFile $folder/comm]
            set environ [split [ReadFile $folder/environ] \0]
        }] && [string match wineserver* $name]
                && "WINEPREFIX=$::env(WINEPREFIX)" in $environ} {
            return [file tail $folder]
        }
    }
    return 0
}

# ------------------------------------------------------------- one run

# Measures a process and Wine's server. Returns a dict with cpuUs, serverCpuUs,
# and privateKb, the process's private memory.
proc run::Look {pid} {
    set status [ReadFile /proc/$pid/status]
    if {![regexp {RssAnon:\s*(\d+)} $status -> kb]} {
        error "no RssAnon in /proc/$pid/status"
    }
    return [dict create cpuUs [CpuUs $pid] \
        serverCpuUs [CpuUs [ServerPid]] privateKb $kb]
}

proc run::ReadFile {file} {
    set chan [open $file]
    try {
        return [read $chan]
    } finally {
        close $chan
    }
}

# The CPU time of a process in microseconds; 0 for process 0.
proc run::CpuUs {pid} {
    variable ticksPerSecond
    if {$pid == 0} {
        return 0
    }
    set text [ReadFile /proc/$pid/stat]
    # The name, in parentheses, may contain spaces.
    set fields [string range $text [string last ) $text]+2 end]
    return [expr {
        ([lindex $fields 11] + [lindex $fields 12]) * 1000000
            / $ticksPerSecond}]
}

# Runs bench.tcl and measures the process when it asks for that. Returns its
# output and the measurements.
proc run::Watch {seconds command} {
    variable output {}
    variable looks {}
    variable ended {}
    set folder [exec mktemp -d -t iocpsock.XXXXXX]
    set pipe [open |[list {*}$command samples=[Path $folder $command] \
        </dev/null 2>@1]]
    set pid [pid $pipe]
    fconfigure $pipe -blocking 0
    fileevent $pipe readable [list run::Watched $pipe $pid $folder]
    set timer [after [expr {$seconds * 1000}] {set run::ended "no end"}]
    vwait run::ended
    after cancel $timer
    if {$ended ne "eof"} {
        append output $ended
        exec kill -KILL $pid
    }
    fconfigure $pipe -blocking 1
    if {[catch {close $pipe} message]} {
        append output $message
    }
    file delete -force $folder
    return [list $output $looks]
}

# The folder's name for the process: in Wine, the machine's root is Z:.
proc run::Path {folder command} {
    return [expr {[lindex $command 0] eq "tclsh" ? "" : "Z:"}]$folder
}

proc run::Watched {pipe pid folder} {
    variable output
    variable looks
    variable ended
    while {[gets $pipe line] >= 0} {
        if {![regexp {^SAMPLE (\S+)} $line -> name]} {
            append output $line\n
            continue
        }
        if {[catch {Look $pid} look]} {
            append output $look\n
        } else {
            dict set looks $name $look
        }
        close [open $folder/$name w]
    }
    if {[eof $pipe]} {
        fileevent $pipe readable {}
        set ended eof
    }
}

# Adds the CPU time or the memory of each operation to the result.
proc run::Costs {result looks} {
    if {![dict exists $looks begin] || ![dict exists $looks end]} {
        return $result
    }
    set ops [dict get $result ops]
    foreach key {cpuUs serverCpuUs privateKb} {
        set $key [expr {double([dict get $looks end $key]
            - [dict get $looks begin $key]) / $ops}]
    }
    if {[dict exists $result ends]} {
        dict set result bytes [expr {
            $privateKb * 1024.0 * $ops / [dict get $result ends]}]
    } elseif {[dict exists $result mibPerOp]} {
        set mib [dict get $result mibPerOp]
        dict set result cpuUsPerMib [expr {$cpuUs / $mib}]
        dict set result serverCpuUsPerMib [expr {$serverCpuUs / $mib}]
    } else {
        dict set result cpuUs $cpuUs
        dict set result serverCpuUs $serverCpuUs
    }
    return $result
}

# Runs a case once. Returns a dict, which is empty after a failure; failures are
# printed.
proc run::Once {shell case driver mode} {
    variable root
    variable options
    lassign [Watch 150 [list {*}$shell $root/bench/bench.tcl $case $driver \
        seconds=$options(-seconds) mode=$mode]] output looks
    if {![regexp -line {^RESULT (.*)$} $output -> result]} {
        puts "    $case: no result: [lindex [split $output \n] 0]"
        return {}
    }
    return [Costs [string trim $result] $looks]
}

# http-CONNECTIONS or http-close-CONNECTIONS: examples/httpd.tcl under wrk. Its
# limit allows for all connections, and for those whose end it has not seen yet.
# If it refuses or does not answer, there is no result.
proc run::Http {shell case driver} {
    variable root
    set socket [string trim [lindex [split $driver ";"] end]]
    set connections [lindex [split $case -] end]
    set server [open |[list {*}$shell $root/examples/httpd.tcl \
        -root Z:$root/bench/files -port 0 -socket $socket -stdin quit \
        -maxconnections [expr {2 * $connections + 100}] \
        2>/dev/null] r+]
    set result [Load $case [lindex [gets $server] end]]
    close $server
    return $result
}

# Loads a web server with wrk.
proc run::Load {case port} {
    variable options
    set connections [lindex [split $case -] end]
    set header [expr {[string match *close* $case]
        ? {-H {Connection: close}} : {}}]
    set load [expr {[info exists ::env(BENCH_LOAD)] ? $::env(BENCH_LOAD) : {}}]
    set seconds [expr {int(ceil($options(-seconds)))}]
    lassign [Execute 60 {*}$load wrk -t1 -c$connections \
        -d${seconds}s --timeout 10s --latency {*}$header \
        http://127.0.0.1:$port/index.html] code output
    if {![regexp {Requests/sec:\s+([\d.]+)} $output -> rate]
        || $rate == 0
        || [regexp {Non-2xx or 3xx responses|read [1-9]|write [1-9]} $output]} {
        puts "    $case: no result: $output"
        return {}
    }
    set result [dict create ops $rate perSecond $rate]
    foreach percent {50 99} {
        regexp -line "^\\s+$percent%\\s+(\[\\d.\]+)(us|ms|s)" $output -> n unit
        dict set result p${percent}Ms [expr {
            $n * [dict get {us 0.001 ms 1 s 1000} $unit]}]
    }
    return $result
}

# ----------------------------------------------------------------- Node

# Node's standard streams must be files under Wine. Returns its process id and
# the file of its output.
proc run::StartNode {args} {
    variable root
    variable node
    set name [exec mktemp -t iocpsock.XXXXXX]
    set pid [exec env NODE_SKIP_PLATFORM_CHECK=1 \
        IOCPSOCK_SHELL=$node $root/tools/wine-tclsh 86 \
        $root/bench/bench.js {*}$args </dev/null >$name 2>@1 &]
    return [list $pid $name]
}

# Waits for a line of its output, or for its end.
proc run::ProgramLine {pid name pattern} {
    for {set i 0} {$i < 600} {incr i} {
        set text [ReadFile $name]
        if {[regexp -line $pattern $text line]} {
            return $line
        }
        if {[string match {Z*} [ProcessState $pid]]} {
            break
        }
        after 100
    }
    puts "    no result: $text"
    return {}
}

proc run::ProcessState {pid} {
    if {[catch {ReadFile /proc/$pid/stat} text]} {
        return Z
    }
    return [string range $text [string last ) $text]+2 end]
}

proc run::EndProgram {pid name} {
    catch {exec kill -KILL $pid}
    file delete $name
}

proc run::NodeOnce {case} {
    variable options
    lassign [StartNode $case seconds=$options(-seconds)] pid name
    set line [ProgramLine $pid $name {^RESULT .*$}]
    EndProgram $pid $name
    return [string trim [string range $line 7 end]]
}

proc run::NodeHttp {case} {
    variable root
    lassign [StartNode web page=Z:$root/bench/files/index.html] pid name
    set port [lindex [ProgramLine $pid $name {^listening on .*$}] end]
    set result [expr {$port eq {} ? {} : [Load $case $port]}]
    EndProgram $pid $name
    return $result
}

proc run::NodeContender {case} {
    variable options
    variable node
    if {!$options(-node) || ![file exists $node]} {
        return {}
    }
    if {[string match http-* $case]} {
        return [list run::NodeHttp $case]
    }
    if {$case in {rt1 rt100 bulk4k bulk64k bulk1m conn-seq conn-50}} {
        return [list run::NodeOnce $case]
    }
    return {}
}

# --------------------------------------------------------------- rounds

# Returns what a case measures in turn: a dict from names to the commands that
# run them.
proc run::Contenders {version case} {
    if {$case in $::runUdp::cases} {
        return [runUdp::Contenders $version $case]
    }
    variable root
    variable drivers
    variable ours
    variable modes
    variable inEachMode
    set shell [list $root/tools/tclsh$version]
    set contenders {}
    dict for {name driver} $drivers {
        lassign $driver command mode
        # Only this driver has these.
        if {[string match {*-data} $case] || $case eq "sendfile"} {
            if {$name ne "iocpsock"} {
                continue
            }
        }
        # The core's driver cannot handle so many in any reasonable time.
        if {$name eq "core" && $case eq "scale-5000"} {
            continue
        }
        dict set contenders $name [switch -glob -- $case {
            http-* {list run::Http $shell $case $command}
            loop-* {list run::Loop $shell $case $command}
            default {list run::Once $shell $case $command $mode}
        }]
    }
    if {[llength [NodeContender $case]]} {
        dict set contenders node [NodeContender $case]
    }
    if {$case in $inEachMode} {
        foreach mode $modes {
            dict set contenders $mode [list run::Once $shell $case $ours $mode]
        }
    }
    if {[Reference $case floor]} {
        dict set contenders floor [list run::Floor $case]
    }
    if {[Reference $case native]} {
        dict set contenders native [list run::Once tclsh $case ::socket {}]
    }
    return $contenders
}

# Tells whether the C program on the same ports (floor), or the machine's own
# tclsh (native), runs the case too.
proc run::Reference {case which} {
    return [expr {$case in [dict get {
        floor {rt1 bulk4k bulk64k bulk1m conn-seq}
        native {rt1 rt100 bulk4k bulk64k bulk1m conn-seq}
    } $which]}]
}

proc run::Floor {case} {
    variable root
    variable options
    set ::env(IOCPSOCK_SHELL) $root/build/tools/floor.exe
    set result [Execute 60 $root/tools/wine-tclsh 86 $case $options(-seconds)]
    unset ::env(IOCPSOCK_SHELL)
    if {![regexp -line {^RESULT (.*)$} [lindex $result 1] -> values]} {
        puts "    $case: no result of floor.exe: [lindex $result 1]"
        return {}
    }
    return [string trim $values]
}

proc run::Case {version case} {
    variable options
    variable results
    set contenders [Contenders $version $case]
    for {set round 0} {$round < $options(-rounds)} {incr round} {
        dict for {name command} $contenders {
            set result [{*}$command]
            dict lappend results [list $version $case $name] $result
        }
    }
    puts "  $case: [report::Line $results $version $case]"
    flush stdout
}

proc run::AllCases {} {
    variable root
    variable options
    variable loopCases
    set chan [open $root/bench/cases.tcl]
    set text [read $chan]
    close $chan
    set cases {}
    foreach {- name} [regexp -all -inline -line \
        {^\s*proc bench::case::(\S+) } $text] {
        if {$name eq "scale-\$connections"} {
            lappend cases scale-1 scale-10 scale-100 scale-1000 scale-5000
        } elseif {$name ne "serve"} {
            lappend cases $name
        }
    }
    lappend cases http-1 http-10 http-100 http-500 http-1000 \
        http-close-1 http-close-10 http-close-100 {*}$loopCases \
        {*}$::runUdp::cases
    return [lsearch -all -inline -regexp $cases \
        "^([join [lmap p $options(-cases) {
            string map {* .* ? .} $p}] |])\$"]
}

proc run::Main {arguments} {
    variable root
    variable options
    variable results
    ParseOptions $arguments
    set out [file join $root $options(-out)]
    file mkdir $out
    set versions [expr {$options(-tcl) eq "all" ? {86 90} : $options(-tcl)}]
    foreach version $versions {
        puts "Tcl $version:"
        # This starts Wine's server, and loads its files into memory.
        Execute 60 $root/tools/tclsh$version $root/bench/bench.tcl rt1 \
            ::socket count=10
        foreach case [AllCases] {
            Case $version $case
        }
    }
    report::Write $results $out
}

run::Main $argv
