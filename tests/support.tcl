# support.tcl --
#
#	The procedures that all suites share. run.tcl sources this file, and so
#	do the child processes, threads and interpreters that tests make.
#
# A FIRST TEST
#
#	A suite is a file tests/NAME.test with a line in tests/suites.txt. Save
#	this as tests/first.test and add "first windows" to the list:
#
#	    # first.test --
#	    #
#	    #	A server here, its client in another process.
#
#	    namespace import -force ::tcltest::* ::support::on
#
#	    test first-1.1 {a line goes to the server and back} -constraints {
#		realNetwork
#	    } -setup {
#		set listener [support::listen]
#		set child [support::child {
#		    set chan [support::sock 127.0.0.1 [lindex $argv 0]]
#		    fconfigure $chan -buffering line
#		    puts $chan hello
#		    puts "the answer is [gets $chan]"
#		    close $chan
#		} [support::port $listener]]
#		set ::ended 0
#	    } -body {
#		set server [support::accept $listener]
#		fconfigure $server -blocking 0 -buffering line
#		on readable $server {
#		    if {[gets $chan line] >= 0} {
#			puts $chan [string toupper $line]
#		    } elseif {[eof $chan]} {
#			set ::ended 1
#		    }
#		}
#		support::wait ended {$::ended}
#		support::childEnd $child
#	    } -cleanup {
#		support::closeAll $server $listener
#	    } -result {status 0 output {{the answer is HELLO}}}
#
#	    cleanupTests
#
#	Run it in the Windows Tcl 8.6 and 9.0, with a limit of 120 seconds:
#
#	    make
#	    tools/run-suite 86 first.test 120
#	    tools/run-suite 90 first.test 120
#
#	Then break it (let the server answer in lower case) and see it fail.
#
# THE PROCEDURES, BY PURPOSE
#
#	sock, install, uninstall	the socket command under test
#	coreSocket			the core's own command
#	wait, until, drain, on		events
#	takeBgerrors			expected background errors
#	isCore, isTcl9, isSimulated,
#	isWine				what runs here
#	zeroStats, mustBeOurs		the driver's counters
#	supportPair.tcl:
#	listen, accept, port, pair,
#	closeAll			connections with both ends here
#	echo, discard			servers with a fixed behaviour
#	refusedPort			a port where a connect fails
#	crowdedPort, admit,
#	crowdListener, endCrowd		a port where a connect hangs
#	freePort			a port to listen on
#	rawPair, resetDiscards,
#	queueLength			peers and listeners outside Tcl's
#					channels
#	supportStream.tcl:
#	pattern, streamNew, streamCheck,
#	streamCount			bulk data and its check
#	sendPattern, fill,
#	receivePattern, received	bulk data over a channel
#	supportChild.tcl:
#	child, childLine, childPut,
#	childEnd, childKill, runChild	another process
#	thread, joinThreads,
#	listenerThread, echoThread,
#	receiverThread, threadReceived,
#	readerThread, threadRead	other threads
#	newInterp			another interpreter
#	supportCompare.tcl:
#	outcome, differ, differChan	the core's driver does the same
#
#	testraw, testthread and others come from the package iocpsocktest: see
#	the top of testRaw.c, testThread.c, testPump.c, testSystem.c and
#	testWindow.c.
#
# RULES
#
#	- The system chooses the ports: listen on port 0 and ask support::port.
#	- Wait for an event with support::wait. If no event announces a state,
#	  use support::until. Never wait for time to pass. support::drain shows
#	  that something does not happen.
#	- Handlers run in global scope: they set global variables. Set such a
#	  variable to its first value, or unset it, before the handler can run.
#	- Close in -cleanup what -setup and -body opened. run.tcl fails a suite
#	  that leaves sockets, and a test with an unexpected background error.
#	- Every loop has a bound. A test may take 60 seconds, a suite 120.
#	- Test numbers never change: documents and mutants name them.
#
# CONSTRAINTS
#
#	realNetwork	the test needs another process, a socket of the core's
#			driver or the system's own behaviour; the simulated
#			world of tests/native/tcl has none of them
#	hasThreads	needs the package iocpsocktest
#	iocpsock	needs this driver: its options or its statistics
#	coreDriver	needs the core's driver
#	ownPackage	needs the package's own DLL, not testFault.c's
#	tcl86, tcl9	needs this Tcl
#	ipv6		needs the address ::1
#	windows		needs Windows or Wine
#	wine		shows what only Wine does or lets a test set up
#	realWindows	shows what Wine does not do
#	systemMessages	the resolver gives both drivers the same messages (not
#			in the strict system of testStrict.c)
#	systemBinds	a bind of a taken port gives both the same errors (not
#			in the strict system)
#
# ENVIRONMENT
#
#	IOCPSOCK_TEST_SOCKET	the command under test (default
#				iocpsock::socket; ::socket is the core's driver)
#	IOCPSOCK_TEST_INCORE	if not empty, ::socket is this driver, as a part
#				of the core
#	IOCPSOCK_TEST_GUARD	how long a wait may last, in milliseconds

namespace eval support {
    variable dir [file dirname [file normalize [info script]]]
    variable command iocpsock::socket
    variable guardMs 20000
    variable serial 0
    variable pulse
    variable bgerrors {}
    namespace export on differ differChan

    if {[info exists ::env(IOCPSOCK_TEST_SOCKET)]
	    && $::env(IOCPSOCK_TEST_SOCKET) ne ""} {
	set command $::env(IOCPSOCK_TEST_SOCKET)
    }
    if {[info exists ::env(IOCPSOCK_TEST_GUARD)]} {
	set guardMs $::env(IOCPSOCK_TEST_GUARD)
    }
    if {![info exists ::env(IOCPSOCK_ANNOUNCE)]} {
	set ::env(IOCPSOCK_ANNOUNCE) 0
    }

    # The core's command, which iocpsock::install may replace later. A safe
    # interpreter has none.
    if {[info commands ::socket] ne ""} {
	interp alias {} ::support::coreSocket {} ::socket
    }
    if {[string match *iocpsock* $command] || $command eq "socket2"} {
	package require iocpsock
    }
}

apply {{} {
    foreach name {Pair Stream Child Compare} {
	uplevel #0 \
	    [list source [file join $::support::dir support$name.tcl]]
    }
}}

# ----------------------------------------------------------------------
# The driver under test

# The socket command under test. Tests of usage messages, which show the name
# of the command, call [{*}$support::command] themselves.

proc support::sock {args} {
    variable command
    tailcall {*}$command {*}$args
}

# support::install, support::uninstall --
#
#	Put the socket command under test in place of ::socket, for programs
#	that call it by this name, and restore ::socket.

proc support::install {} {
    if {![isCore]} {
	iocpsock::install
    }
}

proc support::uninstall {} {
    if {![isCore]} {
	iocpsock::uninstall
    }
}

# Raises an error unless each channel is of the driver under test. The channels
# of the core's own driver have no counters.

proc support::mustBeOurs {args} {
    foreach chan $args {
	set has [expr {![isCore] || [isInCore]}]
	if {[catch {fconfigure $chan -stats} message] == $has} {
	    return -code error "$chan is another driver's: $message"
	}
    }
}

# True if the driver under test is the core's own, which has no statistics and
# none of the further options.

proc support::isCore {} {
    variable command
    return [expr {[string trimleft $command :] eq "socket"}]
}

# True if this driver is the core's own (`make incore`).

proc support::isInCore {} {
    return [expr {[info exists ::env(IOCPSOCK_TEST_INCORE)]
	&& $::env(IOCPSOCK_TEST_INCORE) ne ""}]
}

# True in the shell of tests/native/tcl, whose sockets the simulator provides.
# They reach no other process and no socket of the core's driver.

proc support::isSimulated {} {
    return [expr {[info commands ::testworld] ne ""}]
}

proc support::isTcl9 {} {
    return [package vsatisfies [info patchlevel] 9-]
}

# support::zeroStats --
#
#	Waits until the driver holds nothing any more.
#
# Results:
#	The counts of what it holds, all zero if the wait succeeded. The
#	core's driver has no counts: zeros.

proc support::zeroStats {} {
    if {[isCore]} {
	return {sockets 0 operations 0 bufferBytes 0 handles 0 connections 0}
    }
    catch {until {[lindex [lsort -integer -unique \
	[dict values [::support::Stats]]] end] == 0} 5000}
    return [Stats]
}

proc support::Stats {} {
    set all [iocpsock::stats]
    foreach key {sockets operations bufferBytes handles connections} {
	dict set books $key [dict get $all $key]
    }
    return $books
}

# ----------------------------------------------------------------------
# Events

# support::wait --
#
#	Services events until a global variable exists and the expression, if
#	one is given, is true. The expression is evaluated in the caller's
#	scope after each write to the variable. If all that is true already,
#	the procedure returns at once: unset the variable before you start
#	what sets it.
#
# Results:
#	The variable's value; an error that names the variable and the
#	expression when the guard time has passed.

proc support::wait {varName {condition 1} {ms {}}} {
    variable pulse
    variable guardMs
    variable serial
    if {$ms eq ""} {
	set ms $guardMs
    }
    set id [incr serial]
    upvar #0 $varName watched
    set mark [list ::support::Pulse $id write]
    trace add variable watched write $mark
    set guard [after $ms [list ::support::Pulse $id timeout]]
    try {
	while {![info exists watched] || ![uplevel 1 [list expr $condition]]} {
	    unset -nocomplain pulse($id)
	    vwait ::support::pulse($id)
	    if {$pulse($id) eq "timeout"} {
		set what $varName
		if {$condition ne "1"} {
		    append what " with {$condition}"
		}
		if {[info exists watched]} {
		    append what ", which is \"[string range $watched 0 99]\""
		}
		return -code error "waited $ms ms in vain for $what"
	    }
	}
    } finally {
	trace remove variable watched write $mark
	after cancel $guard
	unset -nocomplain pulse($id)
    }
    return $watched
}

proc support::Pulse {id what args} {
    variable pulse
    if {![info exists pulse($id)] || $pulse($id) ne "timeout"} {
	set pulse($id) $what
    }
}

# support::until --
#
#	Services events until the expression is true in the caller's scope. It
#	is for states that no event announces, such as counters.

proc support::until {condition {ms {}}} {
    variable guardMs
    variable pulse
    variable serial
    if {$ms eq ""} {
	set ms $guardMs
    }
    set id [incr serial]
    set deadline [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $condition]]} {
	if {[clock milliseconds] > $deadline} {
	    return -code error "waited $ms ms in vain for {$condition}"
	}
	after 1 [list set ::support::pulse($id) 1]
	vwait ::support::pulse($id)
    }
    unset -nocomplain pulse($id)
    return
}

# support::drain --
#
#	Services the events of a dozen timers and the idle callbacks, so the
#	driver has its passes of the event loop even if handlers are busy all
#	the time. Use it to show that something did not happen; for what does
#	happen use support::wait.

proc support::drain {} {
    variable drained
    for {set i 0} {$i < 12} {incr i} {
	after 1 {set ::support::drained 1}
	vwait ::support::drained
    }
    update idletasks
}

# support::on --
#
#	Sets a readable or writable handler. Its script runs with the channel
#	in the variable "chan".

proc support::on {event chan script} {
    fileevent $chan $event [list apply [list chan $script ::] $chan]
}

# ----------------------------------------------------------------------
# Background errors and constraints

proc support::BgError {message options} {
    variable bgerrors
    lappend bgerrors $message
}

# The background errors since the last call. A test that expects some takes
# them; run.tcl counts all others as failures.

proc support::takeBgerrors {} {
    variable bgerrors
    set taken $bgerrors
    set bgerrors {}
    return $taken
}

proc support::isWine {} {
    return [file exists C:/windows/system32/winecfg.exe]
}

proc support::CanBind {addr} {
    if {[catch {sock -server list -myaddr $addr 0} listener]} {
	return 0
    }
    close $listener
    return 1
}

# True if the driver under test runs on the strict system of testStrict.c. The
# core's driver in the same process still uses the real system.

proc support::IsStrict {} {
    return [expr {[info commands ::iocpsock::strict] ne ""
	&& [info exists ::env(IOCPSOCK_STRICT)]
	&& $::env(IOCPSOCK_STRICT) ne ""}]
}

proc support::defineConstraints {} {
    foreach {name value} [list \
	hasThreads [expr {![catch {package require iocpsocktest}]}] \
	tcl9 [isTcl9] \
	tcl86 [expr {![isTcl9]}] \
	ipv6 [CanBind ::1] \
	wine [isWine] \
	windows [expr {$::tcl_platform(platform) eq "windows"}] \
	realWindows [expr {$::tcl_platform(platform) eq "windows"
	    && ![isWine]}] \
	coreDriver [expr {[isCore] && ![isInCore]}] \
	systemMessages [expr {![IsStrict]}] \
	systemBinds [expr {![IsStrict]}] \
	ownPackage [expr {[info commands ::iocpsock::fault] eq ""}] \
	iocpsock [expr {![isCore]}] \
	realNetwork [expr {![isSimulated]}] \
    ] {
	::tcltest::testConstraint $name $value
    }
}

# Why a test with a constraint cannot run here; empty if the constraint's name
# says enough.

proc support::reason {constraint} {
    switch -- $constraint {
	realNetwork {
	    return "they need another process, a socket of the core's\
		driver or the system's own behaviour"
	}
	wine {
	    return "they show what only Wine does"
	}
	tclBuildInfo {
	    return "Tcl 8.6 has no tcl::build-info"
	}
	windows {
	    return "they show what only Windows does"
	}
    }
    return ""
}
