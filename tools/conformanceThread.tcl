# conformanceThread.tcl --
#
#	Replaces the Thread extension, which has no source package to build. It
#	has the commands that Tcl's own tests use, based on the threads of the
#	package iocpsocktest.

package require iocpsocktest

# Rename it: some tests load another testthread, that of Tcl's test shell.
namespace eval thread {}
rename testthread thread::Native

namespace eval thread {
    variable file [file normalize [info script]]
    variable released {}
}

proc thread::id {} {
    return [Native id]
}

proc thread::names {} {
    variable released
    set names {}
    foreach id [Native names] {
	if {$id ni $released} {
	    lappend names $id
	}
    }
    return $names
}

# A thread is preserved until its first release, whatever the options are.

proc thread::create {args} {
    variable file
    while {[lindex $args 0] in {-joinable -preserved}} {
	set args [lrange $args 1 end]
    }
    set id [Native create]
    Native send $id [list source $file]
    if {$args ne ""} {
	Native send -async $id [list thread::Body [lindex $args 0]]
    }
    return $id
}

# Runs the script of a thread that was created with one; the thread then ends.

proc thread::Body {script} {
    try {
	uplevel #0 $script
    } finally {
	Native exit [Native id]
    }
}

proc thread::release {args} {
    variable released
    set id [lindex $args end]
    lappend released $id
    if {[lindex $args 0] eq "-wait"} {
	Native join $id
    } else {
	catch {Native stop $id}
    }
    return 0
}

# The vwait is needed because this command must not return.

proc thread::exit {} {
    Native exit [Native id]
    vwait ::thread::never
}

# With the name of a variable, the variable gets the result, and the command
# returns the script's return code.

proc thread::send {args} {
    set async [expr {[lindex $args 0] eq "-async"}]
    lassign [lrange $args $async end] id script varName
    if {$async && $varName ne ""} {
	Native send -async $id \
	    [list thread::Reply [Native id] $varName $script]
    } elseif {$async} {
	Native send -async $id $script
    } elseif {$varName ne ""} {
	upvar 1 $varName result
	return [catch {Native send $id $script} result]
    } else {
	return [Native send $id $script]
    }
    return
}

proc thread::Reply {id varName script} {
    catch {uplevel #0 $script} result
    set varName ::[string trimleft $varName :]
    Native send -async $id [list set $varName $result]
}

proc thread::attach {channel} {
    Native attach $channel
}

proc thread::detach {channel} {
    Native detach $channel
}

proc thread::transfer {id channel} {
    Native transfer $id $channel
}

package provide Thread 2.8
