# support.tcl --
#
#	Helpers shared by all suites: the socket command under test, connected
#	pairs, waits with a guard, child processes, threads, patterned bulk
#	data and constraints. run.tcl sources it, as do the children and the
#	threads that the tests start.
#
#	The environment variable IOCPSOCK_TEST_SOCKET names the command under
#	test (default iocpsock::socket; ::socket is the core's own driver), and
#	IOCPSOCK_TEST_GUARD how long in milliseconds a wait may last.

namespace eval support {
    variable dir [file dirname [file normalize [info script]]]
    variable command iocpsock::socket
    variable guardMs 20000
    variable serial 0
    variable pulse
    variable accepted
    variable child
    variable stream
    variable bgerrors {}

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

    # The core's command, as long as nothing is installed over it. A safe
    # interpreter has none.
    if {[info commands ::socket] ne ""} {
	interp alias {} ::support::coreSocket {} ::socket
    }
    if {[string match *iocpsock* $command] || $command eq "socket2"} {
	package require iocpsock
    }
}

# The socket command under test. Tests of usage messages, which show the name
# of the command, call [{*}$support::command] themselves.

proc support::sock {args} {
    variable command
    tailcall {*}$command {*}$args
}

# support::install, support::uninstall --
#
#	Put the socket command under test in place of ::socket, for programs
#	that call it by this name, and back.

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

# Raises an error unless each channel is of the driver under test: the core's
# have no counters.

proc support::mustBeOurs {args} {
    foreach chan $args {
	if {[catch {fconfigure $chan -stats} message] != [isCore]} {
	    return -code error "$chan is another driver's: $message"
	}
    }
}

# True when the driver under test is the core's own, which has no statistics
# and none of the further options.

proc support::isCore {} {
    variable command
    return [expr {[string trimleft $command :] eq "socket"}]
}

# True in the shell of tests/native/tcl: its sockets are the simulator's. They
# reach no other process and no socket of the core's driver.

proc support::isSimulated {} {
    return [expr {[info commands ::testworld] ne ""}]
}

proc support::isTcl9 {} {
    return [package vsatisfies [info patchlevel] 9-]
}

# support::wait --
#
#	Services events until a global variable exists and, if an expression
#	is given, until that is true as well. It is evaluated in the caller's
#	scope after each write to the variable. Returns at once if all that
#	is so already, thus unset the variable before what is to set it.
#
# Results:
#	The variable's value; an error naming the variable and the expression
#	when the guard time has passed.

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
#	For states that no event announces, such as counters: services events
#	and looks again until the expression is true in the caller's scope.

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
#	Services what events there are through a dozen timers, idle ones
#	included, so that the driver gets its passes of the event loop also
#	where handlers are busy all the time. Used to show that something did
#	not happen; for what does happen there is support::wait.

proc support::drain {} {
    variable drained
    for {set i 0} {$i < 12} {incr i} {
	after 1 {set ::support::drained 1}
	vwait ::support::drained
    }
    update idletasks
}

# ----------------------------------------------------------------------
# Listeners and connections

# support::listen --
#
#	Opens a listener whose accepted channels are kept for support::accept.
#
# Arguments:
#	args	options for [socket -server], default -myaddr 127.0.0.1; the
#		port is chosen by the system. -any as the only argument
#		listens on all addresses.
#
# Results:
#	The listener's channel.

proc support::listen {args} {
    variable accepted
    variable serial
    set token [incr serial]
    if {$args eq "-any"} {
	set args {}
    } elseif {"-myaddr" ni $args} {
	lappend args -myaddr 127.0.0.1
    }
    set listener [sock -server [list ::support::Accepted $token] {*}$args 0]
    set accepted($token) {}
    set accepted($listener) $token
    return $listener
}

proc support::Accepted {token chan addr port} {
    variable accepted
    lappend accepted($token) [list $chan $addr $port]
}

# support::accept --
#
#	Waits for the next connection of a listener made by support::listen.
#
# Results:
#	The channel, or with -info a list of channel, address and port.

proc support::accept {listener {what {}}} {
    variable accepted
    set token $accepted($listener)
    wait ::support::accepted($token) \
	{[llength $::support::accepted($token)] > 0}
    set accepted($token) [lassign $accepted($token) first]
    return [expr {$what eq "-info" ? $first : [lindex $first 0]}]
}

proc support::port {listener} {
    return [lindex [fconfigure $listener -sockname] 2]
}

# support::pair --
#
#	Makes a connected pair over loopback; the listener is closed again.
#
# Arguments:
#	-host ADDR	127.0.0.1 (default) or ::1
#	-client LIST	options for the client's [socket]
#	-server LIST	options for the listener's [socket -server]
#	-listener LIST	channel options set on the listener
#	anything else	channel options set on both ends after
#			-translation binary
#
# Results:
#	{client server}, two channels in blocking mode.

proc support::pair {args} {
    set opts {-host 127.0.0.1 -client {} -server {} -listener {}}
    set chanOpts {-translation binary}
    foreach {name value} $args {
	if {[dict exists $opts $name]} {
	    dict set opts $name $value
	} else {
	    lappend chanOpts $name $value
	}
    }
    set host [dict get $opts -host]
    set listener [listen -myaddr $host {*}[dict get $opts -server]]
    try {
	if {[dict get $opts -listener] ne ""} {
	    fconfigure $listener {*}[dict get $opts -listener]
	}
	set client [sock {*}[dict get $opts -client] $host [port $listener]]
	set server [accept $listener]
    } finally {
	close $listener
    }
    fconfigure $client {*}$chanOpts
    fconfigure $server {*}$chanOpts
    return [list $client $server]
}

# A listener that sends everything back, for this event loop or a thread's.

proc support::echo {args} {
    return [sock -server ::support::EchoAccept -myaddr 127.0.0.1 {*}$args 0]
}

proc support::EchoAccept {chan args} {
    fconfigure $chan -translation binary -blocking 0 -buffering none
    fileevent $chan readable [list ::support::EchoMore $chan]
}

proc support::EchoMore {chan} {
    if {[catch {puts -nonewline $chan [read $chan 65536]}] || [eof $chan]} {
	close $chan
    }
}

# support::refusedPort --
#
#	A port on loopback where nothing listens. A connection that was
#	accepted there stays open, so that nobody else is given the port
#	meanwhile, and no client of it gets it as its own and is connected
#	with itself. The core's driver keeps it, in an interpreter apart: it
#	is in no channel list and no statistics.

proc support::refusedPort {} {
    variable refusedPort
    if {[isSimulated]} {
	# The simulator chooses none below 49152.
	return 1
    }
    if {[info exists refusedPort]} {
	return $refusedPort
    }
    interp create ::support::holder
    set refusedPort [interp eval ::support::holder {
	proc accepted {args} {
	    set ::kept $args
	}
	set listener [socket -server accepted -myaddr 127.0.0.1 0]
	set port [lindex [fconfigure $listener -sockname] 2]
	set client [socket 127.0.0.1 $port]
	vwait ::kept
	close $listener
	set port
    }]
    return $refusedPort
}

# A port that was free a moment ago.

proc support::freePort {} {
    set listener [sock -server list -myaddr 127.0.0.1 0]
    set port [port $listener]
    close $listener
    return $port
}

# support::resetDiscards --
#
#	What systems disagree about: whether a reset takes away bytes that have
#	arrived and were not read. Windows and Wine 10 do that, Wine 8 still
#	delivers them. This is the one place that finds out.

proc support::resetDiscards {} {
    variable resetDiscards
    if {[info exists resetDiscards]} {
	return $resetDiscards
    }
    package require iocpsocktest
    lassign [testraw listen] listener port
    set client [testraw connect $port]
    set server [testraw accept $listener]
    testraw send $client x
    testraw reset $client
    set resetDiscards [catch {testraw recv $server 1}]
    testraw close $server
    testraw close $listener
    return $resetDiscards
}

# Closes those of the given channels that are still open.

proc support::closeAll {args} {
    foreach chan $args {
	if {$chan in [chan names]} {
	    catch {close $chan}
	}
    }
    return
}

# Runs a script and returns {code result errorCode}, for comparing how two
# commands behave.

proc support::outcome {script} {
    set code [catch {uplevel 1 $script} result options]
    set errorCode {}
    if {$code == 1} {
	set errorCode [dict get $options -errorcode]
    }
    return [list $code $result $errorCode]
}

# Waits until the driver's books are empty, and returns them: all zero. The
# core's driver keeps none.

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
# Bulk data. Each byte depends on its position and on the number of the
# stream, over a period that no buffer size shares, so that what is lost,
# repeated, swapped or from another connection does not fit.

# support::pattern --
#
#	Results:
#	length bytes of a stream from the given offset.

proc support::pattern {offset length {streamId 0}} {
    variable period
    variable bytes
    if {![info exists bytes]} {
	MakePattern
    }
    set from [expr {($offset + 7919 * $streamId) % $period}]
    while {$from + $length > [string length $bytes]} {
	append bytes $bytes
    }
    return [string range $bytes $from [expr {$from + $length - 1}]]
}

# The period is a multiple of the base's length only; appending the whole to
# itself keeps it.

proc support::MakePattern {} {
    variable period 100003
    variable bytes
    set words {}
    set x 12345
    for {set i 0} {$i < $period} {incr i 3} {
	set x [expr {($x * 1103515245 + 12345) & 0x7fffffff}]
	lappend words [expr {$x >> 7}]
    }
    set bytes {}
    foreach word $words {
	append raw [binary format c3 [list $word \
	    [expr {$word >> 8}] [expr {$word >> 16}]]]
    }
    append bytes [string range $raw 0 [expr {$period - 1}]]
    while {[string length $bytes] < 2000000} {
	append bytes $bytes
    }
}

# support::streamNew, support::streamCheck, support::streamCount --
#
#	A checker of received data: streamNew names one, streamCheck takes
#	the next piece and raises an error at the first wrong byte, saying
#	where the bytes found there belong; streamCount is what came so far.

proc support::streamNew {{streamId 0}} {
    variable stream
    variable serial
    set token s[incr serial]
    set stream($token) [list $streamId 0]
    return $token
}

proc support::streamCheck {token data} {
    variable stream
    lassign $stream($token) streamId offset
    set length [string length $data]
    if {$data ne [pattern $offset $length $streamId]} {
	return -code error [Mismatch $streamId $offset $data]
    }
    lset stream($token) 1 [expr {$offset + $length}]
    return $length
}

proc support::streamCount {token} {
    variable stream
    return [lindex $stream($token) 1]
}

proc support::Mismatch {streamId offset data} {
    variable period
    set length [string length $data]
    set want [pattern $offset $length $streamId]
    for {set i 0} {$i < $length} {incr i} {
	if {[string index $data $i] ne [string index $want $i]} {
	    break
	}
    }
    set message "stream $streamId is wrong at byte [expr {$offset + $i}]"
    set probe [string range $data $i [expr {$i + 15}]]
    set at [string first $probe [pattern [expr {$offset + $i}] \
	[expr {$period + 16}] $streamId]]
    if {$at > 0} {
	append message ": what follows belongs $at bytes on,\
	    or [expr {$period - $at}] before"
    } else {
	append message ": what follows is of no part of it"
    }
    return $message
}

# support::sendPattern --
#
#	Sends bytes of a stream from a writable handler, a chunk each time.
#	When all is handed to the channel the script runs (default: close).

proc support::sendPattern {chan total {chunk 65536} {streamId 0} {done {}}} {
    if {$done eq ""} {
	set done [list close $chan]
    }
    fileevent $chan writable \
	[list ::support::SendMore $chan 0 $total $chunk $streamId $done]
}

proc support::SendMore {chan offset total chunk streamId done} {
    set n [expr {min($chunk, $total - $offset)}]
    puts -nonewline $chan [pattern $offset $n $streamId]
    incr offset $n
    if {$offset >= $total} {
	fileevent $chan writable {}
	uplevel #0 $done
    } else {
	fileevent $chan writable \
	    [list ::support::SendMore $chan $offset $total $chunk $streamId \
		$done]
    }
}

# support::fill --
#
#	Writes bytes of a stream to a non-blocking channel until neither the
#	system nor the driver takes more and Tcl itself holds some back.
#
# Results:
#	The number of bytes written.

proc support::fill {chan} {
    set total 0
    while {[chan pending output $chan] == 0} {
	puts -nonewline $chan [pattern $total 65536]
	incr total 65536
    }
    return $total
}

# support::receivePattern --
#
#	Checks a stream in a readable handler until end of file, in pieces of
#	at most chunk bytes. Then the global variable is set to the number of
#	bytes that were right, or to the error, and the channel is closed
#	unless the last argument is "keep".

proc support::receivePattern {
    chan varName {streamId 0} {chunk 65536} {keep {}}
} {
    fconfigure $chan -blocking 0
    set token [streamNew $streamId]
    fileevent $chan readable \
	[list ::support::ReceiveMore $chan $varName $token $chunk $keep]
}

proc support::ReceiveMore {chan varName token chunk keep} {
    set failed [catch {
	streamCheck $token [read $chan $chunk]
	eof $chan
    } ended]
    if {$failed || $ended} {
	fileevent $chan readable {}
	if {$keep ne "keep"} {
	    close $chan
	}
	set ::$varName [expr {$failed ? $ended : [streamCount $token]}]
    }
}

# ----------------------------------------------------------------------
# Child processes

# support::child --
#
#	Starts another tclsh like this one, which sources this file and then
#	runs a script, with its standard channels on a pipe.
#
# Arguments:
#	-stderr FILE	where its standard error goes (default: the pipe)
#	-env DICT	environment variables for it
#	-bare 1		the script alone, without this file
#	script		the script
#	args		its arguments
#
# Results:
#	A handle for childLine, childPut, childEnd and childKill.

proc support::child {args} {
    variable child
    set opts {-stderr {} -env {} -bare 0}
    while {[dict exists $opts [lindex $args 0]]} {
	set args [lassign $args name value]
	dict set opts $name $value
    }
    set args [lassign $args script]
    set file [ChildFile $script [dict get $opts -bare]]
    set cmd [list [info nameofexecutable] $file {*}$args]
    if {[dict get $opts -stderr] ne ""} {
	lappend cmd 2>[dict get $opts -stderr]
    } else {
	lappend cmd 2>@1
    }
    set saved [array get ::env]
    foreach {name value} [dict get $opts -env] {
	set ::env($name) $value
    }
    try {
	set pipe [open |$cmd r+]
    } finally {
	foreach {name value} [dict get $opts -env] {
	    unset -nocomplain ::env($name)
	    if {[dict exists $saved $name]} {
		set ::env($name) [dict get $saved $name]
	    }
	}
    }
    fconfigure $pipe -blocking 0 -buffering line
    set child($pipe,file) $file
    set child($pipe) [dict create lines {} eof 0]
    fileevent $pipe readable [list ::support::ChildRead $pipe]
    return $pipe
}

# The script's file; an error in the script ends the child with status 70.

proc support::ChildFile {script bare} {
    variable dir
    close [file tempfile path iocpsocktest.tcl]
    set out [open $path w]
    puts $out "set auto_path [list $::auto_path]"
    puts $out "fconfigure stdout -buffering line"
    if {!$bare} {
	puts $out "source [list [file join $dir support.tcl]]"
    }
    puts $out "if {\[catch [list $script]\]} {puts stderr \$errorInfo; exit 70}"
    close $out
    return $path
}

proc support::ChildRead {pipe} {
    variable child
    while {[gets $pipe line] >= 0} {
	set lines [dict get $child($pipe) lines]
	dict set child($pipe) lines [linsert $lines end $line]
    }
    if {[eof $pipe]} {
	fileevent $pipe readable {}
	dict set child($pipe) eof 1
    }
}

# The next line that the child prints.

proc support::childLine {pipe} {
    variable child
    wait ::support::child($pipe) {[dict get $::support::child($pipe) eof]
	|| [dict get $::support::child($pipe) lines] ne {}}
    set lines [lassign [dict get $child($pipe) lines] first]
    if {$first eq "" && $lines eq "" && [dict get $child($pipe) eof]} {
	set end [childEnd $pipe]
	return -code error "the child ended early: $end"
    }
    dict set child($pipe) lines $lines
    return $first
}

proc support::childPut {pipe line} {
    puts $pipe $line
    flush $pipe
}

# support::childEnd --
#
#	Waits for the child's end.
#
# Results:
#	{status N output LINES}: its exit status, -1 if it was killed, and
#	the lines not yet taken.

proc support::childEnd {pipe} {
    variable child
    try {
	wait ::support::child($pipe) {[dict get $::support::child($pipe) eof]}
    } on error message {
	childKill $pipe
	return -code error "the child does not end: $message"
    }
    set lines [dict get $child($pipe) lines]
    return [list status [ChildClose $pipe] output $lines]
}

proc support::ChildClose {pipe} {
    variable child
    fconfigure $pipe -blocking 1
    set status 0
    if {[catch {close $pipe} message options]} {
	set errorCode [dict get $options -errorcode]
	switch -- [lindex $errorCode 0] {
	    CHILDSTATUS {set status [lindex $errorCode 2]}
	    CHILDKILLED {set status -1}
	    NONE {}
	    default {set status $message}
	}
    }
    catch {file delete $child($pipe,file)}
    array unset child $pipe
    array unset child $pipe,file
    return $status
}

proc support::childKill {pipe} {
    variable child
    if {![info exists child($pipe)]} {
	return
    }
    if {$::tcl_platform(platform) eq "windows"} {
	foreach pid [pid $pipe] {
	    catch {exec taskkill /F /PID $pid}
	}
    } else {
	catch {exec kill -9 {*}[pid $pipe]}
    }
    catch {fileevent $pipe readable {}}
    ChildClose $pipe
    return
}

# Runs a child to its end; the result is that of childEnd.

proc support::runChild {args} {
    return [childEnd [child {*}$args]]
}

# ----------------------------------------------------------------------
# Threads, by the package iocpsocktest

# Makes a thread in which this file is sourced.

proc support::thread {{script {}}} {
    variable dir
    package require iocpsocktest
    set id [testthread create]
    testthread send $id [list source [file join $dir support.tcl]]
    testthread send $id $script
    return $id
}

# Ends the threads given, or all that the tests have made.

proc support::joinThreads {args} {
    if {[info commands ::testthread] eq ""} {
	return
    }
    if {$args eq ""} {
	set args [testthread names]
    }
    foreach id $args {
	if {$id ne [testthread id] && $id != 0} {
	    testthread join $id
	}
    }
}

# ----------------------------------------------------------------------
# Background errors and constraints

proc support::BgError {message options} {
    variable bgerrors
    lappend bgerrors $message
}

# The background errors since the last call. A test that causes some asks for
# them; run.tcl counts any left over as a failure.

proc support::takeBgerrors {} {
    variable bgerrors
    set taken $bgerrors
    set bgerrors {}
    return $taken
}

# True under Wine. Each expectation in the suites is what Windows documents, and
# what differs under Wine has a constraint of these two: wine, for what Wine
# alone does or what can only be set up there, and realWindows for what Wine
# does not do.

proc support::isWine {} {
    return [file exists C:/windows/system32/winecfg.exe]
}

# support::queueLength --
#
#	How many clients the system surely keeps for a listener of which the
#	program takes none: Windows' own limit is 200 or more, and beyond it
#	connects are refused. Wine's is that of Linux.

proc support::queueLength {} {
    return [expr {[isWine] ? 300 : 190}]
}

proc support::CanBind {addr} {
    if {[catch {sock -server list -myaddr $addr 0} listener]} {
	return 0
    }
    close $listener
    return 1
}

# Whether the system of the driver under test is that of testStrict.c: the
# core's driver in the same process has the system itself.

proc support::IsStrict {} {
    return [expr {[info commands ::iocpsock::strict] ne ""
	&& [info exists ::env(IOCPSOCK_STRICT)]
	&& $::env(IOCPSOCK_STRICT) ne ""}]
}

# systemMessages	the resolver says the same to both drivers
# systemBinds		so does bind of a port that is taken
# ownPackage		the DLL has the package's own name, not testFault.c's

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
	coreDriver [isCore] \
	systemMessages [expr {![IsStrict]}] \
	systemBinds [expr {![IsStrict]}] \
	ownPackage [expr {[info commands ::iocpsock::fault] eq ""}] \
	iocpsock [expr {![isCore]}] \
	realNetwork [expr {![isSimulated]}] \
    ] {
	::tcltest::testConstraint $name $value
    }
}

# Why a test that has a constraint cannot run here; empty where the constraint's
# name says enough.

proc support::reason {constraint} {
    switch -- $constraint {
	realNetwork {
	    return "the peer is another process or a socket of the core's\
		driver, or it compares what the system itself does"
	}
	wine {
	    return "it shows what Wine does"
	}
	windows {
	    return "it shows what Windows does"
	}
    }
    return ""
}
