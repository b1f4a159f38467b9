# conformanceReport.tcl --
#
#	The last part of tools/conformance: it compares the results of the
#	runs.
#
#	    tclsh conformanceReport.tcl busy|all FOLDER TESTS OURS
#
#	OURS is the driver that is compared with "core".
#	FOLDER has a folder for each run, VERSION-DRIVER-FILE. TESTS has the
#	lists of the known differences, conformance-8.6.txt and -9.0.txt. Each
#	line of a list has a test's name and a reason. A reason that begins with
#	"(load)" means that the test has a time limit, which a busy machine may
#	exceed. "busy" prints those of these tests that failed, a line for each;
#	they must pass when they run again alone. Called again, it prints those
#	that still have not passed. "all" prints the report.

namespace eval report {
    variable failures {}
    variable ours iocpsock
}

proc report::Read {path} {
    if {![file exists $path]} {
	return {}
    }
    set channel [open $path]
    fconfigure $channel -encoding utf-8
    set text [read $channel]
    close $channel
    return $text
}

# Returns the results of a run, by test. If a file uses a name more than once,
# each time counts. A line may begin with output of the test before tcltest's.

proc report::Results {folder} {
    set results {}
    set seen {}
    foreach line [split [Read $folder/log] \n] {
	if {![regexp {(?:\+\+\+\+|====) (\S+) (PASSED|SKIPPED|FAILED)(: |$)} \
		$line -> name result]} {
	    continue
	}
	set key $name
	dict incr seen $name
	if {[dict get $seen $name] > 1} {
	    append key " ([dict get $seen $name])"
	}
	dict set results $key [string tolower $result]
    }
    foreach name [Read $folder/hung] {
	dict set results $name failed
    }
    return $results
}

proc report::Count {results what} {
    return [llength [lsearch -all -exact [dict values $results] $what]]
}

# Compares the results with tcltest's own counts, to check that the log was
# parsed correctly.

proc report::CheckCounts {run results} {
    variable failures
    if {![file exists $run/complete]} {
	lappend failures "[file tail $run]: it did not run to its end"
	return
    }
    regexp {\tTotal\t(\d+)\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)} \
	[Read $run/log] -> total passed
    if {$total != [dict size $results]
	    || $passed != [Count $results passed]} {
	lappend failures "[file tail $run]: tcltest counts $total tests and\
	    $passed passed, the log has [dict size $results] and\
	    [Count $results passed]"
    }
}

# Counts the processes and interpreters that loaded the driver, from their
# marks.

proc report::Reached {run} {
    variable failures
    set marks [glob -nocomplain -tails -directory $run/marks *]
    set processes {}
    foreach mark $marks {
	dict incr processes [lindex [split $mark -] 0]
    }
    if {$marks eq ""} {
	lappend failures "[file tail $run]: no interpreter loaded this driver"
    }
    return [list [dict size $processes] [llength $marks]]
}

proc report::Row {args} {
    puts [format "%-6s %-17s %-9s %6s %6s %7s %6s %6s %9s %7s" {*}$args]
}

# Prints a run's row of the table, and returns its results.

proc report::Run {folder version driver file} {
    set run $folder/$version-$driver-$file
    set results [Results $run]
    CheckCounts $run $results
    lassign [Reached $run] processes interpreters
    Row [Dotted $version] $file.test $driver \
	[dict size $results] [Count $results passed] \
	[Count $results skipped] [Count $results failed] $processes \
	$interpreters [string trim [Read $run/seconds]]
    return $results
}

# Returns the known differences, a dict from names to reasons.

proc report::Listed {tests version} {
    set listed {}
    foreach line [split [Read $tests/[ListName $version]] \n] {
	if {[regexp {^([^#\s]\S*)\s+(\S.*)$} $line -> name reason]} {
	    dict set listed $name $reason
	}
    }
    return $listed
}

# A list is for all releases of a line.

proc report::ListName {version} {
    return conformance-[Dotted [string range $version 0 1]].txt
}

# Returns 8.6 for 86 and 8.6.13 for 8613.

proc report::Dotted {version} {
    regexp {^(.)(.)(.*)$} $version -> major minor patch
    return [join [list $major $minor {*}$patch] .]
}

proc report::NeedsIdle {listed name} {
    return [expr {[dict exists $listed $name]
	&& [string match "(load)*" [dict get $listed $name]]}]
}

proc report::Compare {core ours} {
    set different {}
    dict for {name result} $core {
	if {$result ne "passed"} {
	    continue
	}
	set other missing
	if {[dict exists $ours $name]} {
	    set other [dict get $ours $name]
	}
	if {$other ne "passed"} {
	    dict set different $name $other
	}
    }
    return $different
}

proc report::PassedAlone {folder version file name} {
    variable ours
    set results [Results $folder/$version-$ours-$file-again-$name]
    return [expr {[dict exists $results $name]
	&& [dict get $results $name] eq "passed"}]
}

# Returns the files that were run: pairs of a version and a file.

proc report::Files {folder} {
    set files {}
    foreach line [split [string trim [Read $folder/runs]] \n] {
	lassign $line version driver file
	lappend files [list $version $file]
    }
    return [lsort -unique $files]
}

# Returns the output of a failed test: the part of the log from its start to the
# second line with its name, "==== NAME FAILED".

proc report::FailureOutput {run name} {
    set output {}
    foreach line [split [Read $run/log] \n] {
	if {[string match "---- $name start*" $line]} {
	    set output {}
	}
	lappend output "    $line"
	if {[string match "*==== $name FAILED" $line]} {
	    return [join [lrange $output end-39 end] \n]
	}
    }
    return "    (nothing)"
}

# Prints the tests to run again, as arguments of tools/conformance-file.

proc report::Busy {folder tests} {
    variable ours
    foreach entry [Files $folder] {
	lassign $entry version file
	set listed [Listed $tests $version]
	foreach name [dict keys [Compare [Results $folder/$version-core-$file] \
		[Results $folder/$version-$ours-$file]]] {
	    if {[NeedsIdle $listed $name]
		    && ![PassedAlone $folder $version $file $name]} {
		puts "$version $ours $file $name"
	    }
	}
    }
}

# Compares the differences of one file with the list of known ones.

proc report::Judge {folder version file core results listed} {
    variable failures
    variable ours
    set dotted [Dotted $version]
    set different [Compare $core $results]
    dict for {name what} $different {
	if {[NeedsIdle $listed $name]
		&& [PassedAlone $folder $version $file $name]} {
	    puts "$dotted $name: $what, passed alone: [dict get $listed $name]"
	} elseif {[dict exists $listed $name]
		&& ![NeedsIdle $listed $name]} {
	    puts "known: $dotted $name $what: [dict get $listed $name]"
	} else {
	    lappend failures "$dotted $name: passes with the core's driver,\
		$what with $ours"
	    puts "$dotted $name:\n[FailureOutput \
		$folder/$version-$ours-$file $name]"
	}
    }
    foreach name [dict keys $listed] {
	if {![NeedsIdle $listed $name] && [dict exists $results $name]
		&& ![dict exists $different $name]} {
	    lappend failures "$dotted $name: is listed in\
		[ListName $version] but is not a difference any more"
	}
    }
}

proc report::All {folder tests} {
    variable failures
    variable ours
    Row Tcl file driver total passed skipped failed procs interps seconds
    foreach entry [Files $folder] {
	lassign $entry version file
	set core [Run $folder $version core $file]
	set results [Run $folder $version $ours $file]
	lappend judgements [list $version $file $core $results]
    }
    foreach judgement $judgements {
	lassign $judgement version file core results
	Judge $folder $version $file $core $results [Listed $tests $version]
    }
    foreach failure $failures {
	puts "FAILED: $failure"
    }
    if {$failures ne ""} {
	puts "FAILED: the logs are in $folder"
	exit 1
    }
    puts "PASSED: all tests that pass with the core's driver pass with $ours"
}

proc report::Main {what folder tests driver} {
    variable ours $driver
    switch -- $what {
	busy {Busy $folder $tests}
	all {All $folder $tests}
    }
}

report::Main {*}$argv
