# conformanceReport.tcl --
#
#	The end of tools/conformance: tells what its runs have come to.
#
#	    tclsh conformanceReport.tcl busy|all FOLDER TESTS
#
#	FOLDER holds a folder for each run, VERSION-DRIVER-FILE, and TESTS the
#	lists of the known differences, conformance-8.6.txt and -9.0.txt: a
#	line for each, the test's name and why. A reason that begins with
#	"(load)" is that of a test with a limit of time, which a busy machine
#	does not keep. Those of them that failed are the answer to "busy", a
#	line for each: they are to be run again alone, where they must pass.
#	Called again, it names those that have not yet.

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
    Row [Dotted $version] $file.test $driver \
	[dict size $results] [Count $results passed] \
	[Count $results skipped] [Count $results failed] $processes \
	$interpreters [string trim [Read $run/seconds]]
    return $results
}

# The known differences: names and reasons.

proc report::Listed {tests version} {
    set listed {}
    foreach line [split [Read $tests/conformance-[Dotted $version].txt] \n] {
	if {[regexp {^([^#\s]\S*)\s+(\S.*)$} $line -> name reason]} {
	    dict set listed $name $reason
	}
    }
    return $listed
}

proc report::Dotted {version} {
    return [string index $version 0].[string index $version 1]
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
    set results [Results $folder/$version-iocpsock-$file-again-$name]
    return [expr {[dict exists $results $name]
	&& [dict get $results $name] eq "passed"}]
}

# The files that were run: pairs of a version and a file.

proc report::Files {folder} {
    set files {}
    foreach line [split [string trim [Read $folder/runs]] \n] {
	lassign $line version driver file
	lappend files [list $version $file]
    }
    return [lsort -unique $files]
}

# Why a test failed: what stands in the log between two lines of its name, the
# second of them "==== NAME FAILED".

proc report::Said {run name} {
    set said {}
    foreach line [split [Read $run/log] \n] {
	if {[string match "---- $name start*" $line]} {
	    set said {}
	}
	lappend said "    $line"
	if {[string match "*==== $name FAILED" $line]} {
	    return [join [lrange $said end-39 end] \n]
	}
    }
    return "    (nothing)"
}

# What is to be run again, for tools/conformance-file.

proc report::Busy {folder tests} {
    foreach entry [Files $folder] {
	lassign $entry version file
	set listed [Listed $tests $version]
	foreach name [dict keys [Compare [Results $folder/$version-core-$file] \
		[Results $folder/$version-iocpsock-$file]]] {
	    if {[NeedsIdle $listed $name]
		    && ![PassedAlone $folder $version $file $name]} {
		puts "$version iocpsock $file $name"
	    }
	}
    }
}

# Holds the differences of one file against the list.

proc report::Judge {folder version file core ours listed} {
    variable failures
    set dotted [Dotted $version]
    set different [Compare $core $ours]
    dict for {name what} $different {
	if {[NeedsIdle $listed $name]
		&& [PassedAlone $folder $version $file $name]} {
	    puts "$dotted $name: $what, passed alone: [dict get $listed $name]"
	} elseif {[dict exists $listed $name]
		&& ![NeedsIdle $listed $name]} {
	    puts "known: $dotted $name $what: [dict get $listed $name]"
	} else {
	    lappend failures "$dotted $name: passes with the core's driver,\
		$what with iocpsock"
	    puts "$dotted $name:\n[Said $folder/$version-iocpsock-$file $name]"
	}
    }
    foreach name [dict keys $listed] {
	if {![NeedsIdle $listed $name] && [dict exists $ours $name]
		&& ![dict exists $different $name]} {
	    lappend failures "$dotted $name: is listed in\
		conformance-$dotted.txt and is no difference any more"
	}
    }
}

proc report::All {folder tests} {
    variable failures
    Row Tcl file driver total passed skipped failed procs interps seconds
    foreach entry [Files $folder] {
	lassign $entry version file
	foreach driver {core iocpsock} {
	    set $driver [Run $folder $version $driver $file]
	}
	lappend judgements [list $version $file $core $iocpsock]
    }
    foreach judgement $judgements {
	lassign $judgement version file core iocpsock
	Judge $folder $version $file $core $iocpsock [Listed $tests $version]
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

proc report::Main {what folder tests} {
    switch -- $what {
	busy {Busy $folder $tests}
	all {All $folder $tests}
    }
}

report::Main {*}$argv
