# selftest.tcl --
#
#       Tests iocpsock on this machine, with this Tcl, and writes report.txt:
#
#           tclsh selftest.tcl ?options?
#
#           -quick          two of the suites instead of all
#           -only PATTERNS  only parts whose names match one of the patterns
#           -limit SECONDS  time limit of each part, if less than its own limit
#           -total SECONDS  time limit of all parts together; 570 if not given
#           -report FILE    the report's name; report.txt if not given
#           -list           prints the names of the parts
#           -probe          only checks whether this Tcl can be used
#
#       Each part is a separate process with a time limit. At its limit the
#       process is killed, and the next part begins. The report is written
#       while the parts run.
#
#       Exit status: 0 all parts passed, 1 some did not, 2 wrong options, 3
#       this Tcl cannot be used.

namespace eval selftest {
    variable here [file dirname [file normalize [info script]]]
    variable root [file dirname $here]
    variable options {
        -quick 0 -only {} -limit 0 -total 570 -report {} -list 0 -probe 0
    }
    variable quickSuites {options secure}
    variable maxLines 5000 ;# Of a part, in the report.
    variable report "" ;# The channel.
    variable outcomes {} ;# A list of {name status detail}.
    variable run ;# State of the running part: timer, lines, last, end.
}

# Returns the reason why this Tcl cannot be used, or an empty string.

proc selftest::unfit {} {
    global tcl_platform
    if {![package vsatisfies [info patchlevel] 8.6-]} {
        return "Tcl [info patchlevel] is too old: 8.6 or newer is needed"
    }
    if {$tcl_platform(platform) ne "windows"} {
        return "this is Tcl for $tcl_platform(os), not for Windows"
    }
    if {![file isdirectory [programs]]} {
        return "this package is not for this processor: there is no [programs]"
    }
    return ""
}

# Returns the folder with the programs for this processor. The package's index
# names it in the same way.

proc selftest::programs {} {
    variable here
    global tcl_platform
    if {[string match arm* $tcl_platform(machine)]} {
        return [file join $here win32-arm]
    } elseif {$tcl_platform(pointerSize) == 8} {
        return [file join $here win32-x86_64]
    }
    return [file join $here win32-ix86]
}

proc selftest::parse {arguments} {
    variable options
    while {$arguments ne ""} {
        set arguments [lassign $arguments name]
        if {![dict exists $options $name]} {
            error "unknown option \"$name\": it is one of [dict keys $options]"
        }
        if {$name in {-quick -list -probe}} {
            dict set options $name 1
            continue
        }
        if {$arguments eq ""} {
            error "$name needs a value"
        }
        set arguments [lassign $arguments value]
        if {$name in {-limit -total} && ![string is integer -strict $value]} {
            error "$name needs a number of seconds, not \"$value\""
        }
        dict set options $name $value
    }
}

# ----------------------------------------------------------------------
# The report

# Opens the report. Other folders are tried if the current one is not writable.

proc selftest::openReport {} {
    variable options
    variable report
    variable root
    set files [list [file normalize report.txt] [file join $root report.txt]]
    if {[info exists ::env(TEMP)]} {
        lappend files [file join $::env(TEMP) report.txt]
    }
    if {[dict get $options -report] ne ""} {
        set files [list [file normalize [dict get $options -report]]]
    }
    foreach file $files {
        if {![catch {open $file w} report]} {
            fconfigure $report -encoding utf-8 -translation auto
            return $file
        }
    }
    error "cannot write a report: $report"
}

# Writes a line of the report, and flushes it in case the run is interrupted.

proc selftest::write {{text ""}} {
    variable report
    puts $report $text
    flush $report
}

# Windows programs write in the system's encoding or the console's, and may use
# bytes that are wrong in both. These must not be errors.

proc selftest::tolerate {chan} {
    if {[package vsatisfies [info patchlevel] 9-]} {
        fconfigure $chan -profile replace
    }
}

# ----------------------------------------------------------------------
# The parts

# Each part is {name seconds command}. If the command is empty, the part does
# not run, and a fourth element gives the reason.

proc selftest::parts {} {
    variable here
    variable root
    set tclsh [info nameofexecutable]
    set questions [file join $here questions.tcl]
    set parts [list \
        [list system 60 [list $tclsh [file join $here system.tcl] $root]] \
        [list contract 120 [list [file join [programs] portTest.exe]]] \
        [list errors 30 [list [file join [programs] errorTest.exe]]]]
    foreach {name seconds} [questionNames] {
        lappend parts [list question:$name $seconds \
            [list $tclsh $questions $name]]
    }
    lappend parts {*}[suiteParts]
    return [chosen $parts]
}

# Names and limits are in lines "question NAME SECONDS" of the questions' files.

proc selftest::questionNames {} {
    variable here
    set text ""
    foreach file [lsort [glob -directory $here questions-*.tcl]] {
        set chan [open $file]
        append text [read $chan]
        close $chan
    }
    set found {}
    foreach {- name seconds} [regexp -all -inline -line \
            {^question (\S+) (\d+) } $text] {
        lappend found $name $seconds
    }
    return $found
}

proc selftest::suiteParts {} {
    variable here
    variable options
    variable quickSuites
    set chan [open [file join $here suites.txt]]
    set lines [split [read $chan] \n]
    close $chan
    set parts {}
    foreach line $lines {
        if {[string index $line 0] eq "#" || $line eq ""} {
            continue
        }
        set reason [join [lassign $line name where]]
        if {$where ne "windows"} {
            lappend parts [list suite:$name 0 {} $reason]
        } elseif {[dict get $options -quick] && $name ni $quickSuites} {
            lappend parts [list suite:$name 0 {} "left out by -quick"]
        } else {
            lappend parts [list suite:$name 240 [list \
                [info nameofexecutable] [file join $here run.tcl] $name.test \
                -verbose {body error skip}]]
        }
    }
    return $parts
}

proc selftest::chosen {parts} {
    variable options
    set patterns [dict get $options -only]
    if {$patterns eq ""} {
        return $parts
    }
    set found {}
    foreach part $parts {
        foreach pattern $patterns {
            if {[string match $pattern [lindex $part 0]]} {
                lappend found $part
                break
            }
        }
    }
    return $found
}

# ----------------------------------------------------------------------
# One part

# Runs a command to its end, or kills it at its limit. Returns {status detail};
# the status is passed, failed or hangs.

proc selftest::runPart {command seconds} {
    variable run
    array set run {last "" end "" lines 0}
    if {![file exists [lindex $command 0]]} {
        return [list failed "there is no [lindex $command 0]"]
    }
    if {[catch {open |[concat $command {<NUL 2>@1}]} chan]} {
        write "cannot be started: $chan"
        return [list failed "cannot be started: $chan"]
    }
    set run(timer) [after [expr {$seconds * 1000}] \
        {set selftest::run(end) late}]
    fconfigure $chan -blocking 0 -translation auto
    tolerate $chan
    fileevent $chan readable [list ::selftest::takeLines $chan]
    vwait ::selftest::run(end)
    after cancel $run(timer)
    fileevent $chan readable {}
    if {$run(end) eq "late"} {
        return [endLate $chan $seconds]
    }
    return [endedWith $chan]
}

# Reads the part's output. A part that never stops printing must neither fill
# the report nor block this event loop.

proc selftest::takeLines {chan} {
    variable run
    for {set i 0} {$i < 100} {incr i} {
        set failed [catch {gets $chan line} length]
        if {$failed || $length < 0} {
            break
        }
        takeLine $line
    }
    if {$failed || [eof $chan]} {
        set run(end) closed
    }
}

proc selftest::takeLine {line} {
    variable run
    variable maxLines
    if {[incr run(lines)] <= $maxLines} {
        write "    $line"
    } elseif {$run(lines) == $maxLines + 1} {
        write "    (further lines are not shown)"
    }
    if {[string trim $line] ne ""} {
        set run(last) $line
    }
}

proc selftest::endedWith {chan} {
    variable run
    fconfigure $chan -blocking 1
    if {[catch {close $chan} message options]} {
        set how $message
        set code [dict get $options -errorcode]
        if {[lindex $code 0] eq "CHILDSTATUS"} {
            set how "exit status [lindex $code 2]"
        }
        return [list failed "$how: $run(last)"]
    }
    return [list passed $run(last)]
}

# Kills a part that is over its limit. First reads the rest of its output, whose
# last line may be incomplete. Programs that the part has started notice that
# their pipe to it is closed.

proc selftest::endLate {chan seconds} {
    variable run
    if {![catch {read $chan 1000} rest]} {
        foreach line [split [string trimright $rest \n] \n] {
            takeLine $line
        }
    }
    foreach id [pid $chan] {
        endProcess $id
    }
    catch {close $chan}
    return [list hangs "killed after $seconds s; last line: $run(last)"]
}

# Wine's taskkill cannot kill the process together with its children.

proc selftest::endProcess {id} {
    set program taskkill
    if {[info exists ::env(SystemRoot)]} {
        set program [file join $::env(SystemRoot) system32 taskkill.exe]
    }
    if {[catch {exec $program /F /T /PID $id <NUL 2>@1}]} {
        catch {exec $program /F /PID $id <NUL 2>@1}
    }
}

# ----------------------------------------------------------------------

proc selftest::progress {text} {
    puts -nonewline stdout $text
    flush stdout
}

proc selftest::runAll {parts} {
    variable outcomes
    variable options
    set deadline [expr {[clock seconds] + [dict get $options -total]}]
    set n 0
    foreach part $parts {
        lassign $part name seconds command reason
        incr n
        set label "\[[format %2d $n]/[llength $parts]\] $name"
        write "\n==== $label"
        progress [format %-36s $label]
        if {[dict get $options -limit] > 0} {
            set seconds [expr {min($seconds, [dict get $options -limit])}]
        }
        set started [clock milliseconds]
        if {$command eq ""} {
            set outcome [list "not run" $reason]
        } elseif {[clock seconds] >= $deadline} {
            set outcome [list failed "not run: the total time is over"]
        } else {
            set left [expr {$deadline - [clock seconds]}]
            set outcome [runPart $command [expr {min($seconds, $left)}]]
        }
        record $name $outcome [expr {[clock milliseconds] - $started}]
    }
}

proc selftest::record {name outcome ms} {
    variable outcomes
    lassign $outcome status detail
    set line "$status, [format %.1f [expr {$ms / 1000.0}]] s"
    if {$status ne "passed"} {
        append line ": $detail"
    }
    write "---- $name: $line"
    puts stdout " $line"
    flush stdout
    lappend outcomes [list $name $status $detail]
}

# Writes the end of the report: each part with its result. The last line is for
# programs that read the report.

proc selftest::summary {file seconds} {
    variable outcomes
    write "\n==== summary"
    set counts [dict create passed 0 failed 0 hangs 0 "not run" 0]
    foreach outcome $outcomes {
        lassign $outcome name status detail
        dict incr counts $status
        write [format "%-28s %-8s %s" $name $status $detail]
    }
    set text [join [lmap {status count} $counts {string cat "$count $status"}] \
        ", "]
    set bad [expr {[dict get $counts failed] + [dict get $counts hangs]}]
    if {[dict get $counts passed] == 0} {
        set bad 1
    }
    set verdict [expr {$bad ? "FAILED" : "PASSED"}]
    write "\n$verdict selftest: $text; $seconds s"
    puts "\n$verdict: $text; $seconds s"
    puts "Report: [file nativename $file]"
    if {$bad} {
        puts "Please send the report to the author of the package."
    }
    return [expr {$bad ? 1 : 0}]
}

# Sets the environment of the parts. They find the package and the tests' own
# package, without the user's settings for these.

proc selftest::setEnvironment {} {
    variable here
    variable root
    foreach name [array names ::env IOCPSOCK_*] {
        unset ::env($name)
    }
    set ::env(IOCPSOCK_ANNOUNCE) 0
    set ::env(TCLLIBPATH) [list $root $here]
}

proc selftest::main {arguments} {
    variable options
    variable report
    tolerate stdout
    if {[catch {parse $arguments} message]} {
        puts stderr "selftest.tcl: $message"
        return 2
    }
    set reason [unfit]
    if {$reason ne ""} {
        puts stderr "[info nameofexecutable]: $reason"
        return 3
    }
    if {[dict get $options -probe]} {
        return 0
    }
    setEnvironment
    set parts [parts]
    if {[dict get $options -list]} {
        puts [join [lmap part $parts {lindex $part 0}] \n]
        return 0
    }
    if {[catch {openReport} file]} {
        puts stderr "selftest.tcl: $file"
        return 2
    }
    set started [clock seconds]
    puts "iocpsock self-test, with Tcl [info patchlevel]; up to 10 minutes."
    puts "Report: [file nativename $file]\n"
    write "iocpsock self-test, started at [clock format $started -gmt 1 \
        -format {%Y-%m-%d %H:%M:%S UTC}]"
    write "[llength $parts] parts; options: $arguments"
    runAll $parts
    set status [summary $file [expr {[clock seconds] - $started}]]
    close $report
    return $status
}

exit [selftest::main $argv]
