# conformanceReport.tcl --
#
#	The end of tools/conformance: tells what its runs have come to.
#
#	    tclsh conformanceReport.tcl FOLDER TESTS
#
#	FOLDER holds a folder for each run, VERSION-DRIVER-FILE, and TESTS the
#	lists of the known differences, conformance-8.6.txt and -9.0.txt: a
#	line for each, the test's name and why. A reason that begins with
#	"(load)" is that of a test with a limit of time, which a busy machine
#	does not keep: it may pass.

namespace eval report {
    variable failures {}
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

# The results of a run, by test. A file may use a name more than once: each
# time counts. Output of a test may stand before tcltest's on the same line.

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

# Whether the log was read right is shown by tcltest's own counts.

proc report::CheckCounts {run results} {
    variable failures
    if {![file exists $run/complete]} {
	lappend failures "[file tail $run]: it did not come to its end"
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

# How many processes and interpreters had the driver, by the marks they left.

proc report::Reached {run} {
    variable failures
    set marks [glob -nocomplain -tails -directory $run/marks *]
    set processes {}
    foreach mark $marks {
	dict incr processes [lindex [split $mark -] 0]
    }
    if {$marks eq ""} {
	lappend failures "[file tail $run]: no interpreter had this driver"
    }
    return [list [dict size $processes] [llength $marks]]
}

proc report::Row {args} {
    puts [format "%-4s %-17s %-9s %6s %6s %7s %6s %6s %9s %7s" {*}$args]
}

# A run's row of the table; returns its results.

proc report::Run {folder version driver file} {
    set run $folder/$version-$driver-$file
    set results [Results $run]
    CheckCounts $run $results
    lassign [Reached $run] processes interpreters
    Row [string index $version 0].[string index $version 1] $file.test \
	$driver [dict size $results] [Count $results passed] \
	[Count $results skipped] [Count $results failed] $processes \
	$interpreters [string trim [Read $run/seconds]]
    return $results
}

# The known differences: names and reasons.

proc report::Listed {path} {
    set listed {}
    foreach line [split [Read $path] \n] {
	if {[regexp {^([^#\s]\S*)\s+(\S.*)$} $line -> name reason]} {
	    dict set listed $name $reason
	}
    }
    return $listed
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

# Holds the differences of one Tcl against its list. What was not run this
# time is not missed there.

proc report::Judge {version different ran path} {
    variable failures
    set listed [Listed $path]
    dict for {name what} $different {
	if {[dict exists $listed $name]} {
	    puts "known: $version $name $what: [dict get $listed $name]"
	} else {
	    lappend failures "$version $name: passes with the core's driver,\
		$what with iocpsock"
	}
    }
    dict for {name reason} $listed {
	if {![string match "(load)*" $reason] && [dict exists $ran $name]
		&& ![dict exists $different $name]} {
	    lappend failures "$version $name: is listed in [file tail $path]\
		and is no difference any more"
	}
    }
}

proc report::Main {folder tests} {
    variable failures
    set different {}
    set ran {}
    Row Tcl file driver total passed skipped failed procs interps seconds
    foreach line [split [string trim [Read $folder/runs]] \n] {
	lassign $line version driver file
	set results [Run $folder $version $driver $file]
	if {$driver eq "core"} {
	    set core $results
	    continue
	}
	dict set ran $version [dict merge $results \
	    [expr {[dict exists $ran $version]
		? [dict get $ran $version] : {}}]]
	dict for {name what} [Compare $core $results] {
	    dict set different $version $name $what
	}
    }
    foreach version [dict keys $ran] {
	set dotted [string index $version 0].[string index $version 1]
	Judge $dotted \
	    [expr {[dict exists $different $version]
		? [dict get $different $version] : {}}] \
	    [dict get $ran $version] $tests/conformance-$dotted.txt
    }
    foreach failure $failures {
	puts "FAILED: $failure"
    }
    if {$failures ne ""} {
	puts "FAILED: the runs are in $folder"
	exit 1
    }
    puts "PASSED: what passes with the core's driver passes with iocpsock"
}

report::Main {*}$argv
