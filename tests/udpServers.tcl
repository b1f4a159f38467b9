# udpServers.tcl --
#
#	Clients of tcllib over the package iocpsock::udp, unmodified, with real
#	servers: dns with dnsmasq, time with chrony. udpServers.sh starts both,
#	and gives their ports. The clients have options for the port.

namespace import -force ::tcltest::*

source [file join $::support::dir exampleSupport.tcl]

namespace eval ::udps {
    variable got {}
    lassign $::env(IOCPSOCK_PEER) dns ntp
}

# Debian 12's tcllib is for Tcl 8. A search through all of it would take long.

apply {{folders} {
    if {[info exists ::env(IOCPSOCK_TEST_TCLLIB)]} {
	set folders [list $::env(IOCPSOCK_TEST_TCLLIB)]
    }
    foreach module {dns log ntp uri} {
	lappend ::auto_path [file join [lindex $folders 0] $module]
    }
}} [glob -nocomplain Z:/usr/share/tcltk/tcllib*]
package require iocpsock::udp
package require dns
package require time

# Asks for a name. Returns the token, as dns::resolve does.

proc ::udps::ask {name args} {
    variable dns
    return [dns::resolve $name -nameserver 127.0.0.1 -port $dns \
	-protocol udp -timeout 15000 {*}$args]
}

# Waits for the answer, and returns its status and what a command of dns says
# of it.

proc ::udps::answer {command name args} {
    set token [ask $name {*}$args]
    dns::wait $token
    set result [list [dns::status $token] [{*}$command $token]]
    dns::cleanup $token
    return $result
}

# The data of all records of an answer.

proc ::udps::data {token} {
    return [lmap record [dns::result $token] {dict get $record rdata}]
}

# The driver's datagrams in and out, while a script runs, behind its result.

proc ::udps::counted {script} {
    set before [iocpsock::stats]
    set result [uplevel 1 $script]
    set after [iocpsock::stats]
    return [list $result {*}[lmap key {datagramsIn datagramsOut} {
	expr {[dict get $after $key] - [dict get $before $key]}
    }]]
}

# ----------------------------------------------------------------------
# 1: dns

test udpServers-1.1 {an address, by one datagram in each direction} -body {
    ::udps::counted {::udps::answer dns::address www.test}
} -result {{ok 192.0.2.1} 1 1}

test udpServers-1.2 {several addresses, and an alias} -body {
    list [lsort [lindex [::udps::answer dns::address many.test] 1]] \
	[::udps::answer dns::address alias.test] \
	[::udps::answer dns::cname alias.test -type CNAME]
} -result {{192.0.2.7 192.0.2.8} {ok 192.0.2.1} {ok www.test}}

test udpServers-1.3 {the other types of records} -body {
    list [::udps::answer ::udps::data www.test -type AAAA] \
	[::udps::answer ::udps::data test -type MX] \
	[::udps::answer ::udps::data text.test -type TXT] \
	[::udps::answer ::udps::data _ldap._tcp.test -type SRV] \
	[::udps::answer dns::name 192.0.2.1]
} -result {{ok 2001:db8::1} {ok {{10 mail.test}}}\
	{ok {{two stringssecond}}}\
	{ok {{priority 1 weight 2 port 389 target www.test}}} {ok www.test}}

test udpServers-1.4 {names that do not exist} -body {
    list [::udps::answer dns::error nobody.test] \
	[::udps::answer dns::address www.test]
} -match glob -result {{error {Name Error - *}} {ok 192.0.2.1}}

# dns has no public command for the flag.

test udpServers-1.5 {an answer that is too long for a datagram of DNS} -body {
    lassign [::udps::answer dns::Flags long.test -type TXT] status flags
    lassign [::udps::answer ::udps::data long.test -type TXT -protocol tcp] \
	tcpStatus data
    list $status [dict get $flags truncated] $tcpStatus \
	[string length [lindex $data 0]]
} -cleanup {
    unset -nocomplain status flags tcpStatus data
} -result {ok 1 ok 600}

test udpServers-1.6 {50 questions at once, each with its answer} -setup {
    set ::udps::got {}
} -body {
    ::udps::counted {
	for {set i 1} {$i <= 50} {incr i} {
	    set tokens($i) [::udps::ask n$i.test \
		-command {lappend ::udps::got}]
	}
	support::wait ::udps::got {[llength $::udps::got] == 50}
	set wrong {}
	foreach {i token} [array get tokens] {
	    if {[dns::address $token] ne "192.0.2.[expr {$i + 100}]"} {
		lappend wrong $i
	    }
	    dns::cleanup $token
	}
	set wrong
    }
} -cleanup {
    unset -nocomplain tokens i token wrong
} -result {{} 50 50}

test udpServers-1.7 {a server that is not there: a time-out, and no harm} \
-setup {
    set chan [iocpsock::udp -myaddr 127.0.0.1]
    set port [fconfigure $chan -myport]
    close $chan
} -body {
    set token [::udps::ask www.test -port $port -timeout 100]
    dns::wait $token
    set result [list [dns::status $token] [dns::error $token]]
    dns::cleanup $token
    list $result [::udps::answer dns::address www.test]
} -cleanup {
    unset -nocomplain chan port token result
} -result {{timeout {operation timed out}} {ok 192.0.2.1}}

# ----------------------------------------------------------------------
# 2: time (SNTP)

test udpServers-2.1 {the time of the server is this machine's} -body {
    ::udps::counted {
	set before [clock seconds]
	set token [time::getsntp -port $::udps::ntp 127.0.0.1]
	set after [clock seconds]
	set seen [time::unixtime $token]
	list [time::status $token] [expr {$before <= $seen && $seen <= $after}]
    }
} -cleanup {
    time::cleanup $token
    unset -nocomplain before token after seen
} -result {{ok 1} 1 1}

test udpServers-2.2 {20 requests at once} -setup {
    set ::udps::got {}
} -body {
    ::udps::counted {
	for {set i 1} {$i <= 20} {incr i} {
	    time::getsntp -port $::udps::ntp -command {lappend ::udps::got} \
		127.0.0.1
	}
	support::wait ::udps::got {[llength $::udps::got] == 20}
	lsort -unique [lmap token $::udps::got {time::status $token}]
    }
} -cleanup {
    foreach token $::udps::got {
	time::cleanup $token
    }
    unset -nocomplain i token
} -result {ok 20 20}

# ----------------------------------------------------------------------
# 3: the example

test udpServers-3.1 {dnsquery.tcl prints all addresses} -body {
    set end [support::runChild -bare 1 \
	[list source [file join $::sample::folder dnsquery.tcl]] \
	-name many.test -port $::udps::dns]
    list [dict get $end status] [lsort [dict get $end output]]
} -cleanup {
    unset -nocomplain end
} -result {0 {192.0.2.7 192.0.2.8}}

namespace delete ::udps

cleanupTests
