# run.tcl --
#
#	Runs one suite in this interpreter:
#
#	    tclsh run.tcl FILE.test ?tcltest options?
#
#	Exits with 0 if tests ran and all passed, otherwise with 1. Each test
#	is named in the output when it starts, so that the log of a run that
#	hangs ends with the culprit. A background error that a test did not
#	ask for makes it fail, and a test that lasts over a minute ends the
#	run. The last line is for machines: PASSED or FAILED with the counts.
#
#	See support.tcl for the environment variables.

namespace eval run {
    variable limitMs 60000
    variable current {}
    variable failures 0
    variable before {}
    variable globals {}
    variable counts
    array set counts {Total 0 Passed 0 Skipped 0 Failed 0}
}

# The real [exit] is kept under another name: tests redefine it, and one that
# reaches the command below would end the run with a wrong status.

rename ::exit ::run::Exit

proc ::exit {{status 0}} {
    ::run::Say "exit $status was called inside $::run::current"
    ::run::Exit 1
}

proc run::Say {text} {
    puts stdout $text
    flush stdout
}

proc run::Usage {} {
    puts stderr "usage: tclsh run.tcl FILE.test ?tcltest options?"
    Exit 1
}

# Called before a test's set-up.

proc run::Begin {name} {
    variable current $name
    variable before [chan names]
    variable globals [info globals]
    variable limitMs
    variable started [clock milliseconds]
    puts -nonewline stdout "$name "
    flush stdout
    variable alarm [after $limitMs ::run::Hang]
    Watchdog [expr {$limitMs + 15000}] \
	"$name hangs outside of the event loop\n"
}

# Channels that were not there before the test.

proc run::Left {} {
    variable before
    return [lmap chan [chan names] {
	if {$chan in $before} {
	    continue
	}
	set chan
    }]
}

# Called after a test's clean-up; an error here is tcltest's "Test cleanup
# failed". Channels that a failed test left open would spoil the next ones, and
# so would the global variables that it made: both go.

proc run::End {} {
    variable current
    variable before
    variable globals
    variable alarm
    variable started
    after cancel $alarm
    Watchdog 0 {}
    Say "[expr {[clock milliseconds] - $started}] ms"
    # A server in this event loop has yet to see that its client has gone, and
    # would later close a channel that has its own one's name by then.
    if {[Left] ne ""} {
	catch {::support::until {[::run::Left] eq ""} 500}
    }
    foreach chan [Left] {
	catch {fconfigure $chan -blocking 0}
	catch {close $chan}
    }
    foreach name [info globals] {
	if {$name ni $globals && $name ni {errorInfo errorCode}} {
	    unset -nocomplain ::$name
	}
    }
    set errors [::support::takeBgerrors]
    if {$errors ne ""} {
	return -code error "background errors: $errors"
    }
}

proc run::Hang {} {
    variable current
    variable limitMs
    Say "\n==== $current FAILED: it lasts over [expr {$limitMs / 1000}] s"
    Say "FAILED $current hangs"
    Exit 1
}

# A thread's watch over calls that block the whole interpreter, when the test
# package is there.

proc run::Watchdog {ms text} {
    if {[info commands ::testwatchdog] ne ""} {
	::testwatchdog $ms $text
    }
}

# Stands before tcltest's own [test].

proc run::Test {name description args} {
    if {[llength $args] % 2 == 0} {
	foreach option {-setup -cleanup} {
	    if {![dict exists $args $option]} {
		dict set args $option {}
	    }
	}
	dict set args -setup \
	    "[list ::run::Begin $name]\n[dict get $args -setup]"
	dict set args -cleanup \
	    [list try [dict get $args -cleanup] finally ::run::End]
    }
    tailcall ::tcltest::TestCommand $name $description {*}$args
}

# Stands before tcltest's [cleanupTests], which forgets the counts.

proc run::Cleanup {args} {
    variable counts
    foreach name [array names counts] {
	incr counts($name) $::tcltest::numTests($name)
    }
    foreach constraint [array names ::tcltest::skippedBecause] {
	set reason [::support::reason $constraint]
	if {$reason ne ""} {
	    Say "skipped for $constraint: $reason"
	}
    }
    tailcall ::tcltest::CleanupCommand {*}$args
}

proc run::SetUp {options} {
    variable scratch
    set ::argv {}
    package require tcltest 2.3
    close [file tempfile scratch iocpsocktest]
    file delete $scratch
    file mkdir $scratch
    tcltest::configure -tmpdir $scratch -verbose {body error}
    tcltest::configure {*}$options
    rename ::tcltest::test ::tcltest::TestCommand
    rename ::tcltest::cleanupTests ::tcltest::CleanupCommand
    interp alias {} ::tcltest::test {} ::run::Test
    interp alias {} ::tcltest::cleanupTests {} ::run::Cleanup
    interp bgerror {} ::support::BgError
    ::support::defineConstraints
}

# Runs the file; a script error in it and anything that it leaves behind are
# failures of the file as a whole.

proc run::File {file} {
    variable failures
    if {[catch {uplevel #0 [list source $file]} message options]} {
	Say "==== $file FAILED: [dict get $options -errorinfo]"
	incr failures
    }
    if {$::tcltest::numTests(Total) > 0} {
	tcltest::cleanupTests
    }
    set errors [::support::takeBgerrors]
    if {$errors ne ""} {
	Say "==== $file FAILED: background errors: $errors"
	incr failures
    }
    if {[catch {::support::joinThreads} message]} {
	Say "==== $file FAILED: $message"
	incr failures
    }
    set books [::support::zeroStats]
    if {[join [lsort -unique [dict values $books]]] ne "0"} {
	Say "==== $file FAILED: left behind: $books"
	incr failures
    }
}

proc run::Main {arguments} {
    variable counts
    variable failures
    variable scratch
    if {$arguments eq ""} {
	Usage
    }
    set options [lassign $arguments file]
    if {![file exists $file]} {
	set file [file join [file dirname [file normalize [info script]]] $file]
    }
    SetUp $options
    Say "[file tail $file]: Tcl [info patchlevel], $::support::command"
    File [file normalize $file]
    catch {file delete -force $scratch}
    set text "$counts(Passed) passed, $counts(Skipped) skipped,\
	$counts(Failed) failed"
    if {$counts(Failed) + $failures > 0 || $counts(Passed) == 0} {
	Say "FAILED [file tail $file]: $text"
	Exit 1
    }
    Say "PASSED [file tail $file]: $text"
    Exit 0
}

if {[catch {
    source [file join [file dirname [info script]] support.tcl]
    run::Main $argv
}]} {
    puts stderr $errorInfo
    run::Exit 1
}
