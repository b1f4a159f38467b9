# supportPair.tcl --
#
#	Listeners, connections and peers for the suites; support.tcl sources
#	this file. All addresses are loopback addresses, and the system chooses
#	every port.

namespace eval support {
    variable accepted
    variable crowd
}

# support::listen --
#
#	Opens a listener whose accepted channels are kept for support::accept.
#
# Arguments:
#	args	options for [socket -server]; without -myaddr the listener is
#		on 127.0.0.1. -any as the only argument listens on all
#		addresses.
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

# Closes those of the given channels that are still open.

proc support::closeAll {args} {
    foreach chan $args {
	if {$chan in [chan names]} {
	    catch {close $chan}
	}
    }
    return
}

# A listener that sends everything back, for this event loop or for that of
# another thread or process.

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

# A listener that closes each connection at once, for tests of the client's end
# alone. The arguments are options for [socket -server] and the port.

proc support::discard {args} {
    return [sock -server {apply {{chan args} {close $chan}}} {*}$args]
}

# ----------------------------------------------------------------------
# Ports

# support::refusedPort --
#
#	A port on loopback that refuses connections. A connection that was
#	accepted there stays open, so the system gives the port to no other
#	program and to no client, which would then connect to itself. The
#	core's driver holds this connection, in an interpreter of its own: it
#	is in no channel list and no statistics.

proc support::refusedPort {} {
    variable refusedPort
    if {[isSimulated]} {
	# The simulator chooses no port below 49152.
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

# ----------------------------------------------------------------------
# Peers without Tcl's channels (testraw of the package iocpsocktest)

# support::rawPair --
#
#	Connects a channel to a peer that testraw controls.
#
# Arguments:
#	args	channel options set on the channel
#
# Results:
#	{channel peer}

proc support::rawPair {args} {
    lassign [testraw listen] listener port
    set chan [sock 127.0.0.1 $port]
    if {$args ne ""} {
	fconfigure $chan {*}$args
    }
    set peer [testraw accept $listener]
    testraw close $listener
    return [list $chan $peer]
}

# support::crowdedPort, support::admit, support::crowdListener,
# support::endCrowd --
#
#	A port whose listener has a full backlog. Further connects hang if the
#	system drops those that it cannot queue: Linux does, Windows refuses
#	them (hence the constraint wine). admit lets the next one connect.
#	crowdListener is the listener's number for testraw. endCrowd closes
#	everything.

proc support::crowdedPort {} {
    variable crowd
    lassign [testraw listen 0] crowd(listener) port
    set crowd(first) [testraw connect $port]
    return $port
}

proc support::admit {} {
    variable crowd
    testraw close [testraw accept $crowd(listener)]
}

proc support::crowdListener {} {
    variable crowd
    return $crowd(listener)
}

proc support::endCrowd {} {
    variable crowd
    testraw close $crowd(first)
    testraw close $crowd(listener)
    unset crowd
}

# support::resetDiscards --
#
#	Whether a reset discards bytes that have arrived and were not read.
#	Windows and Wine 10 discard them, Wine 8 still delivers them. The
#	answer is found by trying.

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

# support::queueLength --
#
#	The number of clients that the system certainly queues for a listener
#	whose program accepts none. Windows' own limit is 200 or more, and it
#	refuses further connects. Wine has the limit of Linux.

proc support::queueLength {} {
    return [expr {[isWine] ? 300 : 190}]
}
