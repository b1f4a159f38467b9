# run.tcl --
#
#	Runs one suite in this interpreter:
#
#	    tclsh run.tcl FILE.test ?tcltest options?
#
#	Exits with 0 if tests ran and all passed, otherwise with 1. Each test
#	is named in the output when it starts, so the log of a run that hangs
#	ends with the culprit. A test fails for a background error that it did
#	not ask for. A test that lasts longer than a minute ends the run. The
#	last line is for scripts: PASSED or FAILED with the counts.
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

# The real [exit] has another name here. Tests redefine exit, and a call that
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

# Called before the set-up of a test.

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

# Returns the channels that did not exist before the test.

proc run::Left {} {
    variable before
    return [lmap chan [chan names] {
	if {$chan in $before} {
	    continue
	}
	set chan
    }]
}

# Called after the clean-up of a test. An error here becomes tcltest's "Test
# cleanup failed". Channels and global variables that a failed test leaves
# would spoil the next tests, so both are removed.

proc run::End {} {
    variable current
    variable before
    variable globals
    variable alarm
    variable started
    after cancel $alarm
    Watchdog 0 {}
    Say "[expr {[clock milliseconds] - $started}] ms"
    # A server in this event loop may not yet have seen that its client has
    # left. Later it would close a channel, whose name may be in use again by
    # then.
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

# A thread watches over calls that block the whole interpreter, if the test
# package is loaded.

proc run::Watchdog {ms text} {
    if {[info commands ::testwatchdog] ne ""} {
	::testwatchdog $ms $text
    }
}

# Replaces tcltest's own [test].

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

# Replaces tcltest's [cleanupTests], which forgets the counts.

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

# Runs the file. A script error in it, and anything that it leaves behind, are
# failures of the whole file.

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
