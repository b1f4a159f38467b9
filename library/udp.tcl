# udp.tcl --
#
#	The package iocpsock::udp: the commands of the package udp (tcludp), on
#	the datagram channels of iocpsock. Programs for that package run on it.
#
#	    package require iocpsock::udp
#
#	It provides the package udp too, unless that is there already. So load
#	it before a program asks for udp.
#
#	udp_open ?port? ?reuse? ?ipv6?	opens a channel; the words in any order
#	udp_conf chan host port		sets the destination of puts
#	udp_conf chan option ?value?	reads or sets an option of the channel
#	udp_peek chan ?size?		an error, as with tcludp on Windows
#
#	The channels do not block, because programs for tcludp read them without
#	a count.

package require iocpsock

namespace eval iocpsock::udpcommands {
    variable version 1.0.11
}

proc udp_open {args} {
    set family inet
    set port 0
    set reuse 0
    foreach arg $args {
	switch -exact -- $arg {
	    reuse {
		set reuse 1
	    }
	    ipv6 {
		set family inet6
	    }
	    default {
		if {$port ne "0"} {
		    return -code error "wrong # args: should be\
			\"udp_open ?port? ?reuse? ?ipv6?\""
		}
		set port $arg
	    }
	}
    }
    set chan [iocpsock::udp -family $family -myport $port -reuseaddr $reuse]
    fconfigure $chan -blocking 0
    return $chan
}

proc udp_conf {chan args} {
    switch -glob -- [llength $args],[lindex $args 0] {
	1,-* - 2,-* {
	    return [fconfigure $chan {*}$args]
	}
	2,* {
	    fconfigure $chan -remote $args
	}
	default {
	    return -code error "wrong # args: should be\
		\"udp_conf chan host port\" or \"udp_conf chan option ?value?\""
	}
    }
    return
}

proc udp_peek {chan {size 16}} {
    return -code error "udp_peek is not available on Windows"
}

if {[package provide udp] eq ""} {
    package provide udp $iocpsock::udpcommands::version
}
package provide iocpsock::udp [package provide iocpsock]
