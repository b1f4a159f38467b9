# udpSupport.tcl --
#
#	Sourced by the suites of datagram channels (udp*.test): channels, what
#	they send and receive, and commands for -command.

namespace eval ::udpt {
    variable got {}
}

# The port of a datagram channel.

proc ::udpt::port {chan} {
    return [lindex [fconfigure $chan -sockname] 1]
}

# Two channels on the loopback interface.

proc ::udpt::pair {args} {
    set a [iocpsock::udp -myaddr 127.0.0.1]
    set b [iocpsock::udp -myaddr 127.0.0.1 {*}$args]
    return [list $a $b]
}

proc ::udpt::send {from to bytes} {
    iocpsock::sendto $from $bytes 127.0.0.1 [port $to]
}

# The next datagrams, as many as asked for.

proc ::udpt::take {chan count} {
    set result {}
    while {[llength $result] < $count} {
	set list [iocpsock::recv $chan -max 1 -timeout 10000]
	if {[llength $list] == 0} {
	    return [list {*}$result nothing]
	}
	lappend result [lindex $list 0]
    }
    return $result
}

# A -command that records, and one that answers.

proc ::udpt::record {chan bytes meta} {
    variable got
    lappend got $bytes
}
proc ::udpt::answer {chan bytes meta} {
    dict with meta {
	iocpsock::sendto $chan <$bytes> $address $port
    }
}

proc ::udpt::gotten {count} {
    variable got
    support::wait ::udpt::got "\[llength \$::udpt::got\] >= $count"
    return $got
}

proc ::udpt::code {script} {
    list [catch {uplevel 1 $script} message options] $message \
	[lrange [dict get $options -errorcode] 0 1]
}
