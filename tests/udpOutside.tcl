# udpOutside.tcl --
#
#	Datagram channels with a peer outside Wine (udpPeer.pl): waking, bursts,
#	floods, and the package iocpsock::udp. udpServers.tcl has its clients.

namespace import -force ::tcltest::* ::support::on

namespace eval ::udpo {
    variable got {}
    variable commands
    variable tcp
    lassign $::env(IOCPSOCK_PEER) commands tcp
}

proc ::udpo::ask {chan text} {
    variable commands
    iocpsock::sendto $chan $text 127.0.0.1 $commands
}

proc ::udpo::record {chan bytes facts} {
    variable got
    lappend got $bytes
}

test udpOutside-1.1 {a datagram wakes a thread that waits} -setup {
    set a [iocpsock::udp -command ::udpo::record]
    set ::udpo::got {}
} -body {
    # Each one comes when the thread has nothing else to do.
    for {set i 1} {$i <= 10} {incr i} {
	::udpo::ask $a "echo 30 $i"
	support::wait ::udpo::got "\[llength \$::udpo::got\] == $i"
    }
    set ::udpo::got
} -cleanup {
    support::closeAll $a
} -result {1 2 3 4 5 6 7 8 9 10}

test udpOutside-1.2 {a blocking recv is woken} -setup {
    set a [iocpsock::udp]
} -body {
    ::udpo::ask $a "echo 100 late"
    lindex [iocpsock::recv $a -timeout 15000] 0
} -cleanup {
    support::closeAll $a
} -result late

test udpOutside-1.3 {a readable event, with a connected channel} -setup {
    set a [iocpsock::udp 127.0.0.1 $::udpo::commands]
    fconfigure $a -blocking 0
    set ::line ""
} -body {
    on readable $a {
	set ::line [read $chan]
    }
    puts -nonewline $a "echo 50 answer"
    flush $a
    support::wait line {$::line ne ""}
    set ::line
} -cleanup {
    support::closeAll $a
} -result answer

test udpOutside-1.4 {a datagram that comes while the thread computes} -setup {
    set a [iocpsock::udp -command ::udpo::record]
    set ::udpo::got {}
} -body {
    ::udpo::ask $a "echo 20 x"
    set end [expr {[clock milliseconds] + 100}]
    while {[clock milliseconds] < $end} {}
    support::wait ::udpo::got {[llength $::udpo::got] == 1}
    set ::udpo::got
} -cleanup {
    support::closeAll $a
} -result x

test udpOutside-2.1 {a burst comes whole and in order} -setup {
    set a [iocpsock::udp -command ::udpo::record]
    fconfigure $a -sorcvbuf 1000000
    set ::udpo::got {}
} -body {
    ::udpo::ask $a "many 100 100"
    support::wait ::udpo::got {[llength $::udpo::got] == 100}
    set numbers {}
    foreach bytes $::udpo::got {
	lappend numbers [scan $bytes %d]
    }
    set expected {}
    for {set i 1} {$i <= 100} {incr i} {
	lappend expected $i
    }
    list [expr {$numbers eq $expected}] [string length [lindex $::udpo::got 0]]
} -cleanup {
    support::closeAll $a
} -result {1 100}

# The flood of udpOutside-2.2: its datagrams, what else is served within it, and
# how many datagrams come between two turns of a timer that is always due.

proc ::udpo::flooded {chan bytes facts} {
    variable served
    scan $bytes %d number
    incr served(datagrams)
    incr served(sinceTick)
    incr served(misordered) [expr {$number <= $served(last)}]
    set served(last) $number
    set served(within) [list $served(lines) $served(quiet)]
}

proc ::udpo::quiet {chan bytes facts} {
    variable served
    incr served(quiet) [expr {$bytes == 1000 * ($served(quiet) + 1)}]
}

proc ::udpo::line {chan} {
    variable served
    if {[gets $chan line] >= 0} {
	incr served(lines) [expr {$line == 1000 * ($served(lines) + 1)}]
    }
}

proc ::udpo::tick {} {
    variable served
    set served(longest) [expr {max($served(longest), $served(sinceTick))}]
    set served(sinceTick) 0
    set served(timer) [after 0 ::udpo::tick]
}

# What was sent, and what the system dropped.

proc ::udpo::lost {chan port} {
    ask $chan "lost $port"
    return [lindex [iocpsock::recv $chan -timeout 15000] 0]
}

test udpOutside-2.2 {a flood of 100,000: counted, and others are served} \
    -setup {
    array set ::udpo::served {datagrams 0 sinceTick 0 misordered 0 last 0
	lines 0 quiet 0 longest 0 within {}}
    set tcp [support::sock 127.0.0.1 $::udpo::tcp]
    fconfigure $tcp -blocking 0
    fileevent $tcp readable [list ::udpo::line $tcp]
    set a [iocpsock::udp]
    fconfigure $a -queuecount 500 -command ::udpo::flooded
    set quiet [iocpsock::udp -command ::udpo::quiet]
    set asks [iocpsock::udp]
} -body {
    ::udpo::ask $a "flood 100000 60 [fconfigure $quiet -myport]"
    ::udpo::tick
    support::until {$::udpo::served(lines) == 100
	&& $::udpo::served(quiet) == 100}
    # All that the system has passes through the driver's queue.
    support::until {
	[lassign [::udpo::lost $asks [fconfigure $a -myport]] \
	    sent full early] eq ""
	&& [dict get [set stats [fconfigure $a -stats]] queued] == 0
	&& [set missing [expr {
	    $sent - $full - [dict get $stats datagramsIn]
	}]] >= 0 && $missing <= $early
    }
    # A pass of the event loop serves up to 32 events, and then timers.
    list $sent [expr {[dict get $stats datagramsIn]
	    == $::udpo::served(datagrams) + [dict get $stats dropped]}] \
	$::udpo::served(misordered) [expr {$::udpo::served(longest) <= 32
	    ? "in time" : $::udpo::served(longest)}] \
	[expr {0 in $::udpo::served(within)
	    ? $::udpo::served(within) : "served"}]
} -cleanup {
    after cancel $::udpo::served(timer)
    support::closeAll $a $quiet $tcp $asks
    unset -nocomplain sent full early missing stats
} -result {100000 1 0 {in time} served}


test udpOutside-2.3 {1,000 channels in one process} -setup {
    set chans {}
    set ::udpo::got {}
    proc ::udpo::recordWhose {chan bytes facts} {
	lappend ::udpo::got [list $chan $bytes]
    }
} -body {
    for {set i 0} {$i < 1000} {incr i} {
	lappend chans [iocpsock::udp -family inet -command ::udpo::recordWhose]
    }
    set expected {}
    foreach chan $chans {
	lappend expected [list $chan [llength $expected]]
	::udpo::ask $chan "echo 10 [lindex $expected end 1]"
	# The peer has a small buffer.
	if {[llength $expected] % 50 == 0} {
	    support::wait ::udpo::got \
		"\[llength \$::udpo::got\] == [llength $expected]"
	}
    }
    list [expr {[lsort $::udpo::got] eq [lsort $expected]}] \
	[dict get [iocpsock::stats] udpChannels]
} -cleanup {
    support::closeAll {*}$chans
    rename ::udpo::recordWhose {}
} -result {1 1000}

test udpOutside-3.1 {an ICMP error of another system} -setup {
    set a [iocpsock::udp]
    ::udpo::ask $a gone
    set port [lindex [iocpsock::recv $a -timeout 15000] 0]
    set c [iocpsock::udp -command ::udpo::record 127.0.0.1 $port]
} -body {
    support::until {[dict get [fconfigure $c -stats] recvPending] == 1}
    iocpsock::sendto $c lost
    support::until {[dict get [fconfigure $c -stats] errors] == 1}
    list [fconfigure $c -error] [fconfigure $c -error]
} -cleanup {
    support::closeAll $a $c
} -result {{connection refused} {}}

test udpOutside-4.1 {the commands of the package udp} -setup {
    package require iocpsock::udp
    set a [udp_open]
    set b [udp_open 0 reuse]
} -body {
    udp_conf $a 127.0.0.1 [udp_conf $b -myport]
    puts -nonewline $a hello
    flush $a
    set text ""
    support::until {[append text [read $b]] ne ""}
    list $text [udp_conf $b -peer] [expr {[udp_conf $a -remote]
	    eq [list 127.0.0.1 [udp_conf $b -myport]]}] \
	[package provide udp] [catch {udp_peek $a}] \
	[catch {udp_conf $a} message] $message \
	[catch {udp_open 1 2} message] $message
} -cleanup {
    support::closeAll $a $b
} -match glob -result {hello {127.0.0.1 *} 1 1.0.11 1 1\
	{wrong # args: should be "udp_conf chan host port" or "udp_conf chan\
	option ?value?"} 1 {wrong # args: should be "udp_open ?port? ?reuse?\
	?ipv6?"}}

namespace delete ::udpo

cleanupTests
