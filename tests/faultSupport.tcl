# faultSupport.tcl --
#
#	Sourced by the suites that make calls of the system fail (fault.test,
#	faultLate.test), with the package of testFault.c. A test calls
#	fault::begin, sets faults with [iocpsock::fault], runs one exchange
#	between a client and a server with fault::try, and ends with
#	fault::settle, which checks that the next client is served and that
#	nothing is left. fault::each repeats this for the first call of a
#	kind, the second, and so on.

namespace import -force ::tcltest::*

testConstraint faults [expr {[info commands ::iocpsock::fault] ne ""}]

namespace eval fault {
    # The errors of the current exchange, and the bytes that came back.
    variable errors {}
    variable done 0
    variable got {}
    variable payload [support::pattern 0 150000]
    # Options of both ends.
    variable opts {}
    variable chans {}
    variable baseline 0
}

proc fault::note {what script} {
    variable errors
    if {[catch {uplevel 1 $script} message options]} {
	lappend errors [list $what [dict get $options -errorcode] $message]
	return 0
    }
    return 1
}

proc fault::forget {what chan} {
    variable chans
    set index [lsearch -exact $chans $chan]
    if {$index >= 0} {
	set chans [lreplace $chans $index $index]
	note "$what close" {close $chan}
    }
}

# The server sends everything back.

proc fault::accept {chan args} {
    variable chans
    variable opts
    lappend chans $chan
    if {![note "server options" {
	fconfigure $chan -blocking 0 -translation binary {*}$opts
	fileevent $chan readable [list fault::echo $chan]
    }]} {
	forget server $chan
    }
}

proc fault::echo {chan} {
    if {![note "server read" {set data [read $chan]}]
	    || ![note "server write" {
		puts -nonewline $chan $data
		flush $chan
	    }] || [eof $chan]} {
	forget server $chan
    }
}

proc fault::answered {chan} {
    variable got
    variable payload
    variable done
    if {![note "client read" {append got [read $chan]}] || [eof $chan]
	    || [string length $got] >= [string length $payload]} {
	set done 1
    }
}

# A client sends the payload and reads it back.

proc fault::exchange {port async} {
    variable errors {}
    variable done 0
    variable got {}
    variable payload
    variable opts
    variable chans
    set failed [dict get [iocpsock::stats] acceptsFailed]
    if {[note connect {
	set chan [support::sock {*}[expr {$async ? "-async" : ""}] \
	    127.0.0.1 $port]
    }]} {
	lappend chans $chan
	if {[note "client write" {
	    fconfigure $chan -blocking 0 -translation binary \
		-buffersize 16384 {*}$opts
	    puts -nonewline $chan $payload
	    flush $chan
	    fileevent $chan readable [list fault::answered $chan]
	}]} {
	    support::wait ::fault::done {$::fault::done}
	}
	forget client $chan
    }
    incr failed [expr {-[dict get [iocpsock::stats] acceptsFailed]}]
    if {$failed < 0} {
	lappend errors [list accept {} "[expr {-$failed}] failed"]
    }
}

# Returns what was wrong with the exchange, or nothing.

proc fault::verdict {} {
    variable got
    variable payload
    variable errors
    if {$got ne [string range $payload 0 [string length $got]-1]} {
	return "other bytes came than were sent"
    }
    if {[string length $got] < [string length $payload] && $errors eq ""} {
	return "[string length $got] bytes came, and no error was reported"
    }
    return {}
}

# Closes the ends of the server that are still open.

proc fault::left {} {
    variable chans
    foreach chan $chans {
	forget server $chan
    }
}

# Returns what the driver holds beyond what it held at fault::begin.

proc fault::books {} {
    variable baseline
    set books {}
    foreach {key value} [support::zeroStats] {
	if {$value != 0} {
	    lappend books $key $value
	}
    }
    catch {support::until {
	[dict get [iocpsock::stats] memoryBytes] == $::fault::baseline
    } 2000}
    set memory [dict get [iocpsock::stats] memoryBytes]
    if {$memory != $baseline} {
	lappend books memoryBytes [expr {$memory - $baseline}]
    }
    return $books
}

# Makes one exchange with the faults that the script sets.

proc fault::try {script async} {
    set wrong {}
    set listener [support::sock -server fault::accept -myaddr 127.0.0.1 0]
    set port [support::port $listener]
    eval $script
    exchange $port $async
    left
    set problem [verdict]
    if {$problem ne ""} {
	lappend wrong $problem
    }
    return [list $wrong $listener $port]
}

# Ends a try. The next client must be served, and nothing may be left.

proc fault::settle {wrong listener port} {
    variable errors
    variable got
    variable payload
    iocpsock::fault reset
    exchange $port 0
    left
    if {$got ne $payload} {
	lappend wrong "the next client got [string length $got] bytes: $errors"
    }
    close $listener
    set books [books]
    if {$books ne ""} {
	lappend wrong "left: $books"
    }
    support::takeBgerrors
    return $wrong
}

# Fails the calls of a kind, one after the other. Returns whether there were
# any calls, and what went wrong, by the number of the call.

proc fault::each {kind args} {
    variable opts
    set async [dict get [dict merge {async 0} $args] async]
    set times [dict get [dict merge {times 1} $args] times]
    set error [dict get [dict merge {error ENOBUFS} $args] error]
    set opts [dict get [dict merge {opts {}} $args] opts]
    set most [dict get [dict merge {most 1000} $args] most]
    set before [dict get [dict merge {before {}} $args] before]
    set problems {}
    for {set nth 1} {$nth <= $most} {incr nth} {
	lassign [try [list apply {{kind nth times error before} {
	    iocpsock::fault reset
	    eval $before
	    iocpsock::fault fail $kind $nth $times $error
	}} $kind $nth $times $error $before] $async] wrong listener port
	set failed [dict get [iocpsock::fault count $kind] failed]
	set wrong [settle $wrong $listener $port]
	if {$wrong ne ""} {
	    lappend problems "$kind $nth: [join $wrong {; }]"
	}
	if {$failed == 0} {
	    break
	}
    }
    return [list [expr {$nth > 1}] $problems]
}

proc fault::begin {} {
    variable opts {}
    variable baseline
    iocpsock::fault reset
    set listener [support::sock -server fault::accept -myaddr 127.0.0.1 0]
    exchange [support::port $listener] 0
    left
    close $listener
    support::zeroStats
    set baseline [dict get [iocpsock::stats] memoryBytes]
    iocpsock::fault reset
}
