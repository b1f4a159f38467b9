# report.tcl --
#
# Makes a table, JSON and plots from the results of run.tcl. Results are a dict
# from keys {version case contender} to lists with a dict for each round.

namespace eval report {
    # The figures that are compared (operations per second, MiB/s, microseconds
    # or bytes), and whether more is better.
    variable measures {perSecond 1 mibs 1 us 0 bytes 0}
    variable units {perSecond /s mibs MiB/s us us bytes bytes}
}

proc report::Median {values} {
    set sorted [lsort -real $values]
    return [lindex $sorted [expr {[llength $sorted] / 2}]]
}

proc report::Measure {result} {
    variable measures
    dict for {key -} $measures {
        if {[dict exists $result $key]} {
            return $key
        }
    }
    return {}
}

# Returns the rounds' values of a contender, without rounds that failed.
proc report::Values {rounds {key {}}} {
    set values {}
    foreach result $rounds {
        set name [expr {$key eq {} ? [Measure $result] : $key}]
        if {$name ne {} && [dict exists $result $name]} {
            lappend values [dict get $result $name]
        }
    }
    return $values
}

# Returns how many times better one is than the other, the median of the rounds,
# or an empty string if nothing can be compared.
proc report::Ratio {rounds otherRounds} {
    variable measures
    set ratios {}
    foreach one $rounds other $otherRounds {
        set key [Measure $one]
        if {$key eq {} || $key ne [Measure $other]} {
            continue
        }
        set a [dict get $one $key]
        set b [dict get $other $key]
        if {$a > 0 && $b > 0} {
            lappend ratios [expr {
                [dict get $measures $key] ? double($a) / $b : double($b) / $a}]
        }
    }
    return [expr {[llength $ratios] ? [Median $ratios] : {}}]
}

proc report::Get {results version case name} {
    set key [list $version $case $name]
    return [expr {[dict exists $results $key] ? [dict get $results $key] : {}}]
}

proc report::Number {value} {
    if {$value eq {}} {
        return -
    }
    return [expr {$value >= 100 ? [format %.0f $value]
        : $value >= 10 ? [format %.1f $value] : [format %.2f $value]}]
}

# Returns a line of progress.
proc report::Line {results version case} {
    variable units
    set ours [Get $results $version $case iocpsock]
    set parts {}
    foreach name {core iocpsock node floor native} {
        set values [Values [Get $results $version $case $name]]
        if {[llength $values]} {
            lappend parts "$name [Number [Median $values]]"
        }
    }
    set ratio [Ratio $ours [Get $results $version $case core]]
    if {$ratio ne {}} {
        lappend parts "ratio [Number $ratio]"
    }
    set ratio [Ratio $ours [Get $results $version $case node]]
    if {$ratio ne {}} {
        lappend parts "ratio to Node [Number $ratio]"
    }
    return [join $parts {, }]
}

proc report::Cases {results version} {
    set cases {}
    dict for {key -} $results {
        lassign $key itsVersion case
        if {$itsVersion eq $version && $case ni $cases} {
            lappend cases $case
        }
    }
    return $cases
}

proc report::Versions {results} {
    set versions {}
    dict for {key -} $results {
        if {[lindex $key 0] ni $versions} {
            lappend versions [lindex $key 0]
        }
    }
    return $versions
}

# Returns a target: how many times the speed of the core or of Node, or which
# part of the speed of the C program.
proc report::Target {case which} {
    set targets {
        rt1 {core 8 floor 0.667} rt100 {core 12} rt-idle1000 {core 8}
        bulk64k {core 10 floor 0.6} bulk1m {core 10 floor 0.6}
        bulk4k {core 6} conn-seq {core 8 floor 0.5} conn-50 {core 8}
        http-1 {node 1.5} http-10 {node 1.5} http-100 {core 6 node 1.5}
        http-500 {node 1.5}
    }
    if {[string match udp-* $case]} {
        dict set targets $case {node 1.5}
    }
    if {[dict exists $targets $case $which]} {
        return [dict get $targets $case $which]
    }
    return {}
}

proc report::Judged {ratio target} {
    if {$target eq {}} {
        return [Number $ratio]
    }
    set mark [expr {$ratio eq {} ? "?" : $ratio >= $target ? "met" : "MISSED"}]
    return "[Number $ratio] ($target $mark)"
}

proc report::Table {results} {
    variable units
    set lines {}
    foreach version [Versions $results] {
        lappend lines "Tcl [join [split $version {}] .]" \
            [string trimright [format \
                "%-15s %-6s %9s %9s %9s %9s %9s  %-18s %-18s %s" case unit \
                core iocpsock Node "C, IOCP" "Linux" "times the core's" \
                "times C's" "times Node's"]]
        foreach case [Cases $results $version] {
            set ours [Get $results $version $case iocpsock]
            set columns {}
            foreach name {core iocpsock node floor native} {
                set values [Values [Get $results $version $case $name]]
                lappend columns [Number [expr {
                    [llength $values] ? [Median $values] : {}}]]
            }
            set unit [Measure [lindex $ours 0]]
            set byCore [Ratio $ours [Get $results $version $case core]]
            set byFloor [Ratio $ours [Get $results $version $case floor]]
            set byNode [Ratio $ours [Get $results $version $case node]]
            lappend lines [string trimright [format \
                "%-15s %-6s %9s %9s %9s %9s %9s  %-18s %-18s %s" $case \
                [expr {$unit eq {} ? "" : [dict get $units $unit]}] \
                {*}$columns [Judged $byCore [Target $case core]] \
                [Judged $byFloor [Target $case floor]] \
                [Judged $byNode [Target $case node]]]]
        }
        lappend lines {*}[Others $results $version] {}
    }
    return [join $lines \n]\n
}

# Returns lines with receive modes, further drivers, CPU times and latencies.
proc report::Others {results version} {
    set lines [list {} "Others, and receive modes:"]
    dict for {key rounds} $results {
        lassign $key itsVersion case name
        if {$itsVersion ne $version
            || $name in {core iocpsock node floor native}} {
            continue
        }
        set values [Values $rounds]
        if {[llength $values]} {
            set line [format "%-15s %-24s %9s" $case $name \
                [Number [Median $values]]]
            if {$name eq "channel"} {
                set ratio [Ratio $rounds [Get $results $version $case node]]
                append line "  times Node's: " \
                    [Judged $ratio [Target $case node]]
            }
            lappend lines $line
        }
    }
    lappend lines {} [format "%-15s %-10s %s" case driver \
        "further figures, medians (microseconds of CPU for each operation)"]
    dict for {key rounds} $results {
        lassign $key itsVersion case name
        if {$itsVersion ne $version
            || $name ni {core iocpsock channel node native}} {
            continue
        }
        set parts {}
        foreach key {cpuUs serverCpuUs cpuUsPerMib serverCpuUsPerMib p50Ms
            p99Ms lostPercent} {
            set values [Values $rounds $key]
            if {[llength $values]} {
                lappend parts "$key [Number [Median $values]]"
            }
        }
        if {[llength $parts]} {
            lappend lines [format "%-15s %-10s %s" $case $name \
                [join $parts {, }]]
        }
    }
    return $lines
}

proc report::Json {results} {
    set runs {}
    dict for {key rounds} $results {
        lassign $key version case name
        set values {}
        foreach result $rounds {
            lappend values [json::write object {*}$result]
        }
        lappend runs [json::write object \
            tcl [json::write string $version] \
            case [json::write string $case] \
            driver [json::write string $name] \
            rounds [json::write array {*}$values]]
    }
    return [json::write array {*}$runs]\n
}

proc report::Put {file text} {
    set chan [open $file w]
    puts -nonewline $chan $text
    close $chan
}

# ---------------------------------------------------------------- plots

# Returns NaN for a missing value, which gnuplot skips.
proc report::Datum {value} {
    if {$value eq {}} {
        return NaN
    }
    return $value
}

# Data of the bars: for each case and Tcl, how many times the core's speed.
proc report::RatioData {results} {
    set cases {rt1 rt100 rt-idle1000 rt64k bulk4k bulk64k bulk1m bulk-both
        fcopy-file fcopy-socket conn-seq conn-50 http-1 http-10 http-100
        http-close-10}
    set lines {}
    foreach case $cases {
        set line [list \"$case\"]
        foreach version {86 90} {
            set ratio [Ratio [Get $results $version $case iocpsock] \
                [Get $results $version $case core]]
            lappend line [Datum $ratio]
        }
        if {$line ne [list \"$case\" NaN NaN]} {
            lappend lines [join $line]
        }
    }
    return [join $lines \n]\n
}

# Data of the lines: microseconds for an operation by number of connections.
proc report::ScaleData {results} {
    set lines {}
    foreach connections {1 10 100 1000 5000} {
        set line $connections
        foreach name {core iocpsock} {
            set values [Values [Get $results 90 scale-$connections $name]]
            lappend line [Datum [expr {
                [llength $values] ? [Median $values] : {}}]]
        }
        lappend lines [join $line]
    }
    return [join $lines \n]\n
}

# Draws the plots for which there are figures, and returns their files.
proc report::Plots {results out} {
    set files {}
    foreach {plot data} [list ratios [RatioData $results] \
        scale [ScaleData $results]] {
        if {![Drawable $data]} {
            continue
        }
        Put $out/$plot.dat $data
        exec gnuplot -e "folder='$out'; which='$plot'" \
            $run::root/bench/plots.gp >@ stdout 2>@ stderr
        file delete $out/$plot.dat
        lappend files $plot.svg
    }
    return $files
}

# Tells whether each column except the first has a number.
proc report::Drawable {data} {
    foreach column {1 2} {
        set values [lmap line [split [string trim $data] \n] {
            lindex $line $column
        }]
        if {[lsearch -not $values NaN] < 0} {
            return 0
        }
    }
    return 1
}

proc report::Write {results out} {
    Put $out/results.json [Json $results]
    set table [Table $results]
    Put $out/table.txt $table
    puts "\n$table"
    puts "written to $out: [join [list table.txt results.json \
        {*}[Plots $results $out]] {, }]"
}
