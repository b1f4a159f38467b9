# handles.tcl --
#
#	The system has no more handles. handles.sh runs it with few.

namespace import ::tcltest::*

# Sends a word to an echo server. Returns the answer.

proc ask {chan word} {
    fconfigure $chan -translation binary -blocking 0 -buffering none
    set ::answer {}
    fileevent $chan readable [list apply {chan {
	append ::answer [read $chan]
	if {[eof $chan]} {
	    fileevent $chan readable {}
	    append ::answer " and the end"
	}
    } ::} $chan]
    puts -nonewline $chan $word
    support::wait answer {$::answer ne ""}
    fileevent $chan readable {}
    return $::answer
}

proc exchange {port} {
    set chan [support::sock 127.0.0.1 $port]
    set answer [ask $chan hello]
    close $chan
    return $answer
}

# Makes connections until that fails. Returns them, the message and the code.

proc takeAll {port} {
    set chans {}
    while {[llength $chans] < 1000} {
	if {[catch {support::sock 127.0.0.1 $port} chan options]} {
	    return [list $chans $chan [dict get $options -errorcode]]
	}
	lappend chans $chan
	update
    }
    error "there are handles for 1000 connections"
}

foreach {n options} {
    1 {}
    2 {-backlog 200}
    3 {-acceptmode data}
} {
    test handles-1.$n "without handles, a listener with {$options}" -setup {
	set listener [support::echo]
	fconfigure $listener {*}$options
	set port [support::port $listener]
	set first [support::sock 127.0.0.1 $port]
	set got [ask $first x]
    } -body {
	lassign [takeAll $port] chans message code
	set many [expr {[llength $chans] > 50}]
	# The connection from before still works.
	append got [ask $first y]
	set outcome [list $many [lrange $code 0 1] $got]
	# New ones work as soon as there are handles again.
	support::closeAll {*}$chans
	lappend outcome [exchange $port]
	set backlog [fconfigure $listener -backlog]
	support::until "\[dict get \[fconfigure $listener -stats\] \
	    acceptsPosted\] == $backlog"
	lappend outcome full
    } -cleanup {
	support::closeAll {*}$chans $first $listener
	unset -nocomplain chans message code many outcome got
    } -result {1 {POSIX EMFILE} xy hello full}
}

test handles-2.1 {a listener without handles for its accepts works later} \
    -setup {
	set listener [support::echo]
	set port [support::port $listener]
    } -body {
	lassign [takeAll $port] chans
	if {![catch {support::echo} second]} {
	    lappend chans $second
	}
	support::closeAll {*}$chans
	set outcome [exchange $port]
	close $listener
	set listener [support::echo]
	lappend outcome [exchange [support::port $listener]]
    } -cleanup {
	support::closeAll {*}$chans $listener
	unset chans second outcome
    } -result {hello hello}

test handles-3.1 {nothing is left} -body {
    lsort -unique [dict values [support::zeroStats]]
} -result 0

rename ask {}
rename exchange {}
rename takeAll {}
