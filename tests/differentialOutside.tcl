# differentialOutside.tcl --
#
#       Runs the same random scenarios with the core's driver, with iocpsock
#       and in this machine's own tclsh, each against a peer outside Wine, in a
#       process of its own:
#
#           tclsh differentialOutside.tcl ?option value ...?
#
#       -tcl LIST       86, 90 or both (the default); if empty, only Linux
#       -seed N         the seed of the first scenario; each next one adds one
#       -count N        the number of scenarios (default 100)
#       -length N       about how many items each has (default 10)
#       -workers N      processes of each kind at a time (default 3)
#       -seconds N      begins no more scenarios after that time
#       -core 0         leaves the core's driver out
#       -replay LIST    runs this scenario from a report
#       -inject NAME    alters iocpsock's side, to show that it is found: drop
#                       (a byte), hang (at a close), answer (to a write)
#       -shrink N       searches the shortest scenario for N seconds
#       -limit N        counts a longer scenario as stalled (seconds)
#
#       The scenario defines the results of each end (differentialPlan.tcl). A
#       scenario with another result runs again, alone, and is made as short as
#       possible. differentialOutside.txt lists what the core's driver and
#       Linux do differently, with the reasons.
#
#       Exits with 0 if no unknown difference was found.

package require Tcl 8.6-

namespace eval outside {
    variable dir [file dirname [file normalize [info script]]]
    variable setting
    array set setting {
        -tcl {86 90} -seed {} -count 100 -length 10 -workers 3
        -seconds 1000000 -replay {} -inject {} -shrink 600 -limit 80
        -core 1
    }
    variable known {}
    variable hits
    # By token: the scenario, and the ends that still have to run it.
    variable scenario
    variable waiting
    variable suspects {}
    variable agreed 0
    variable alike 0
}
foreach name {Stream Plan Pool} {
    source [file join $outside::dir differential$name.tcl]
}

proc outside::Say {text} {
    puts stdout $text
    flush stdout
}

proc outside::Ends {} {
    variable setting
    set ends {}
    foreach version $setting(-tcl) {
        if {$setting(-core)} {
            lappend ends core$version
        }
        lappend ends own$version
    }
    return [lappend ends linux]
}

# ----------------------------------------------------------------------
# Comparing

# Known differences: {name end label expected result reason}, with patterns.

proc outside::ReadKnown {} {
    variable dir
    variable known {}
    variable hits
    set chan [open [file join $dir differentialOutside.txt]]
    foreach entry [regsub -all -line {^#.*$} [read $chan] {}] {
        if {[llength $entry] != 6} {
            error "an entry of differentialOutside.txt has not 6 parts: $entry"
        }
        lappend known $entry
        set hits([lindex $entry 0]) 0
    }
    close $chan
}

proc outside::IsKnown {end label expected result} {
    variable known
    variable hits
    foreach entry $known {
        lassign $entry name endPattern labelPattern expectedPattern pattern
        if {[string match $endPattern $end]
                && [string match $labelPattern $label]
                && [string match $expectedPattern $expected]
                && [string match $pattern $result]} {
            incr hits($name)
            return 1
        }
    }
    return 0
}

# Returns the wrong results of an end: number, label, expected, result.

proc outside::Wrong {token end} {
    variable scenario
    set wrong {}
    set number -1
    set scripts [plan::scripts $scenario($token)]
    foreach label [dict get $scripts labels] \
            expected [dict get $scripts expected] \
            result $pool::outcome($token,$end) {
        incr number
        set expected [plan::canonical $label $expected $expected]
        set result [plan::canonical $label $result $expected]
        if {$result ne $expected
                && ![IsKnown $end $label $expected $result]} {
            lappend wrong [list $number $label $expected $result]
        }
    }
    return $wrong
}

# Returns whether a scenario shows a difference. If iocpsock and another end
# show the same, it belongs to Tcl or Wine, and is reported separately.

proc outside::IsWrong {token} {
    variable setting
    foreach version $setting(-tcl) {
        set core [expr {$setting(-core) ? [Wrong $token core$version] : {}}]
        set own [Wrong $token own$version]
        if {$own ne $core && ($own eq "" || $own ne [Wrong $token linux])} {
            return 1
        }
    }
    return [expr {$setting(-tcl) eq "" && [Wrong $token linux] ne ""}]
}

# Returns whether all ends show only what is expected.

proc outside::IsClean {token} {
    foreach end [Ends] {
        if {[Wrong $token $end] ne ""} {
            return 0
        }
    }
    return 1
}

# ----------------------------------------------------------------------
# Running

proc outside::Begin {token items} {
    variable scenario
    variable waiting
    set scenario($token) $items
    set waiting($token) [Ends]
    return [lmap end [Ends] {list $token $end $items}]
}

proc outside::OneDone {token end} {
    variable waiting
    variable alike
    variable agreed
    variable suspects
    set at [lsearch -exact $waiting($token) $end]
    set waiting($token) [lreplace $waiting($token) $at $at]
    if {$waiting($token) ne ""} {
        return
    }
    if {[IsWrong $token]} {
        lappend suspects $token
        Say "suspect: -seed $token"
        Show $token
        return
    }
    if {![IsClean $token]} {
        incr alike
        Say "the drivers agree, on what is not expected: -seed $token"
        Show $token
    }
    array unset pool::outcome $token,*
    if {[incr agreed] % 100 == 0} {
        Say "$agreed agree"
    }
}

# Runs one scenario alone. Returns whether it shows a difference again.

proc outside::Alone {token items} {
    pool::run [Begin $token $items] 1 ::outside::Nothing
    return [IsWrong $token]
}

proc outside::Nothing {args} {
}

# Returns the shortest scenario that still differs, twice in a row.

proc outside::Shrink {token items} {
    variable setting
    set end [expr {[clock seconds] + $setting(-shrink)}]
    set again [expr {$setting(-shrink) > 0}]
    while {$again} {
        set again 0
        for {set at [expr {[llength $items] - 1}]} {$at >= 0} {incr at -1} {
            set shorter [lreplace $items $at $at]
            if {[clock seconds] > $end} {
                return $items
            }
            if {[Alone $token $shorter] && [Alone $token $shorter]} {
                set items $shorter
                set again 1
            }
        }
    }
    return $items
}

proc outside::Show {token} {
    variable scenario
    set scripts [plan::scripts $scenario($token)]
    Say "    -replay {$scenario($token)}"
    foreach end [Ends] {
        foreach wrong [Wrong $token $end] {
            lassign $wrong number label expected result
            Say "    $end: [lindex [dict get $scripts ops] $number] ($label):\
                $result, not $expected"
        }
    }
}

# ----------------------------------------------------------------------
# Campaigns

proc outside::Setup {arguments} {
    variable setting
    foreach {name value} $arguments {
        if {![info exists setting($name)]} {
            error "unknown option $name: see the top of\
                differentialOutside.tcl"
        }
        set setting($name) $value
    }
    if {$setting(-seed) eq ""} {
        set setting(-seed) [expr {[clock seconds] % 100000000}]
    }
    set pool::inject $setting(-inject)
    set pool::injectLinux [expr {$setting(-tcl) eq ""}]
    set pool::limitMs [expr {$setting(-limit) * 1000}]
    set pool::peerMs [expr {$setting(-limit) * 750}]
    ReadKnown
}

# A suspect is a difference if it repeats. A difference that came only once is
# reported: a stall may be due to a busy machine, anything else may not.

proc outside::Confirm {token} {
    variable scenario
    set items $scenario($token)
    set stalled [string match *stalled* [lmap end [Ends] {Wrong $token $end}]]
    for {set i 0} {$i < 3} {incr i} {
        if {[Alone $token $items]} {
            set shortest [Shrink $token $items]
            for {set i 0} {$i < 5 && ![Alone $token $shortest]} {incr i} {
                # It does not repeat each time.
            }
            Say "DIFFERENCE: -seed $token -count 1; the shortest scenario:"
            Show $token
            return 1
        }
    }
    Say "unsteady: -seed $token -count 1"
    return [expr {!$stalled}]
}

proc outside::Campaign {} {
    variable setting
    variable suspects
    variable agreed
    set tasks {}
    for {set i 0} {$i < $setting(-count)} {incr i} {
        set seed [expr {$setting(-seed) + $i}]
        lappend tasks {*}[Begin $seed \
            [plan::generate $seed $setting(-length)]]
    }
    set timer [after [expr {$setting(-seconds) * 1000}] pool::stop]
    pool::run $tasks $setting(-workers) ::outside::OneDone
    after cancel $timer
    set found 0
    foreach token $suspects {
        incr found [Confirm $token]
    }
    return $found
}

proc outside::Main {arguments} {
    variable setting
    variable agreed
    variable suspects
    variable alike
    variable hits
    Setup $arguments
    if {$setting(-replay) ne ""} {
        set wrong [Alone replay $setting(-replay)]
        Show replay
        Say [expr {$wrong ? "they differ" : "no difference"}]
        return $wrong
    }
    Say "seed $setting(-seed), $setting(-count) scenarios,\
        Tcl $setting(-tcl)"
    set found [Campaign]
    Say "$agreed scenarios agree, $found differ,\
        [expr {[llength $suspects] - $found}] were unsteady;\
        of those that agree $alike were not as expected"
    foreach name [lsort [array names hits]] {
        Say "known: $name occurred $hits($name) times"
    }
    return [expr {$found > 0 || $agreed == 0}]
}

if {[file tail $argv0] eq "differentialOutside.tcl"} {
    exit [outside::Main $argv]
}
