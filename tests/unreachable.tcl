# unreachable.tcl --
#
#	Networks, hosts and ports that the system refuses at once.
#	unreachable.sh runs it in a network of its own. Each error must be the
#	same as that of the core's driver in the same tclsh.

namespace import ::tcltest::*

# Returns the outcome of a failed connect or listen with each driver.

proc outcomes {arguments} {
    foreach socket [list ::socket $::support::command] {
	lappend result [support::outcome [list {*}$socket {*}$arguments]]
    }
    return $result
}

foreach {n what code arguments} {
    1 {no route}		ENETUNREACH	{192.0.2.1 80}
    2 {no route, IPv6}		ENETUNREACH	{2001:db8::1 80}
    3 {host unreachable}	EHOSTUNREACH	{198.51.100.1 80}
    4 {forbidden}		*		{203.0.113.1 80}
    5 {port refused}		*		{-server list 80}
    6 {port refused, -myaddr}	*	{-server list -myaddr 127.0.0.1 81}
    7 {-myport refused}		*		{-myport 82 127.0.0.1 80}
    8 {local address not ours}	*	{-server list -myaddr 192.0.2.1 0}
    9 {no route, -async}	ENETUNREACH	{-async 192.0.2.1 80}
    10 {unreachable, -async}	EHOSTUNREACH	{-async 198.51.100.1 80}
    11 {forbidden, -async}	*		{-async 203.0.113.1 80}
    12 {-myport refused, -async}	*	{-async -myport 82 127.0.0.1 80}
} {
    test unreachable-1.$n "$what gives the core's error" -constraints {
	iocpsock
    } -body {
	lassign [outcomes $arguments] core own
	list [expr {$core eq $own ? "same" : "core: $core own: $own"}] \
	    [lindex $own 0] [lindex $own 2 1]
    } -match glob -result [list same 1 $code]
}

cleanupTests
