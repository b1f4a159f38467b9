# supportChild.tcl --
#
#	Other processes, threads and interpreters for the suites; support.tcl
#	sources this file.

namespace eval support {
    variable child
}

# ----------------------------------------------------------------------
# Child processes

# support::child --
#
#	Starts another tclsh like this one, which sources support.tcl and then
#	runs a script, with its standard channels on a pipe.
#
# Arguments:
#	-stderr FILE	the file for its standard error (default: the pipe)
#	-env DICT	environment variables for it
#	-bare 1		the script alone, without support.tcl
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

# Writes the script's file. An error in the script ends the child with status
# 70.

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

# Waits for the next line that the child prints.

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
#	Waits until the child ends.
#
# Results:
#	{status N output LINES}: its exit status, -1 if it was killed, and
#	the lines that childLine has not returned.

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

# Runs a child until it ends; the result is that of childEnd.

proc support::runChild {args} {
    return [childEnd [child {*}$args]]
}

# ----------------------------------------------------------------------
# Threads, by testthread of the package iocpsocktest

# Makes a thread, sources support.tcl in it and runs the script there. The
# result is its number.

proc support::thread {{script {}}} {
    variable dir
    package require iocpsocktest
    set id [testthread create]
    testthread send $id [list source [file join $dir support.tcl]]
    testthread send $id $script
    return $id
}

# Ends the given threads, or all that the tests have made.

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

# A thread with a listener, made by the script: {thread port}.

proc support::listenerThread {script} {
    set thread [thread "set ::listener \[$script\]"]
    return [list $thread [testthread send $thread {
	support::port $::listener
    }]]
}

# A thread with an echo server: {thread port}.

proc support::echoThread {} {
    return [listenerThread support::echo]
}

# support::receiverThread, support::threadReceived --
#
#	A thread with a listener that checks the stream of its one client,
#	after a pause if one is given: {thread port}. threadReceived waits for
#	the number of correct bytes, or the error message.

proc support::receiverThread {{pauseMs 0}} {
    return [listenerThread [list support::sock -server [list apply {
	{pauseMs chan args} {
	    fconfigure $chan -translation binary
	    after $pauseMs [list support::receivePattern $chan received]
	}
    } $pauseMs] -myaddr 127.0.0.1 0]]
}

proc support::threadReceived {thread} {
    return [testthread send $thread {support::wait received}]
}

# support::readerThread, support::threadRead --
#
#	The same without a check: a blocking read to end of file. threadRead
#	returns the bytes.

proc support::readerThread {} {
    return [listenerThread {support::sock -server {apply {{chan args} {
	fconfigure $chan -translation binary
	set ::text [read $chan]
    }}} -myaddr 127.0.0.1 0}]
}

proc support::threadRead {thread} {
    return [testthread send $thread {support::wait text}]
}

# ----------------------------------------------------------------------
# Interpreters

# Makes an interpreter, with the given name or with one of its own, and sources
# support.tcl in it. The result is its name.

proc support::newInterp {args} {
    variable dir
    set interp [interp create {*}$args]
    interp eval $interp [list set ::auto_path $::auto_path]
    interp eval $interp [list source [file join $dir support.tcl]]
    return $interp
}
