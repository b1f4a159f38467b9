# udpNetwork.tcl --
#
#	Multicasts of IPv4 and IPv6, and broadcasts, by two links to a peer
#	outside Wine. udpNetwork.sh has made the links. udpNetworkPeer.pl sends
#	on them, and tells which packets came by them.
#
#	"Nothing arrives" means: a later datagram by the same link arrives, and
#	no other one before it.

namespace import -force ::tcltest::*

source [file join $::support::dir exampleSupport.tcl]

namespace eval ::net {
    variable commands [iocpsock::udp -myaddr 192.0.2.1]
    variable port
    variable index
    lassign $::env(IOCPSOCK_PEER) port index(1) index(2)

    # By family: our addresses and those of the peer, by link; what names an
    # interface; two groups.
    array set our {
	inet,1 192.0.2.1 inet,2 192.0.2.129
	inet6,1 2001:db8:1::1 inet6,2 2001:db8:2::1
    }
    array set peer {
	inet,1 192.0.2.2 inet,2 192.0.2.130
	inet6,1 2001:db8:1::2 inet6,2 2001:db8:2::2
    }
    array set interface [list inet,1 $our(inet,1) inet,2 $our(inet,2) \
	inet6,1 $index(1) inet6,2 $index(2)]
    array set group {
	inet,1 239.255.18.1 inet,2 239.255.18.2
	inet6,1 ff15::18:1 inet6,2 ff15::18:2
    }
}

# ----------------------------------------------------------------------
# The peer

proc ::net::command {args} {
    variable commands
    variable port
    iocpsock::sendto $commands [join $args] 192.0.2.2 $port
}

# The peer sends a datagram by a link.

proc ::net::peerSends {link address chan text {hops 9}} {
    command send peer$link $address [fconfigure $chan -myport] $hops $text
}

# What came by the links since the last call, up to a text: for each its link,
# sender, receiver, hops and text.

proc ::net::peerSaw {text} {
    variable commands
    command seen $text
    set answer [lindex [iocpsock::recv $commands -timeout 15000] 0]
    return [lmap line [split $answer \n] {
	set words [split [string range $line 4 end]]
	lreplace $words 4 end [join [lrange $words 4 end]]
    }]
}

# ----------------------------------------------------------------------
# Our side

# Takes datagrams up to the text "last". Returns for each what the words ask
# for: text, or facts; the number of the link stands for its index.

proc ::net::takeAll {chan args} {
    variable index
    set result {}
    while {1} {
	lassign [iocpsock::recv $chan -max 1 -timeout 15000] text facts
	if {$text in {last {}}} {
	    return [lappend result {*}[expr {$text eq "" ? "nothing" : ""}]]
	}
	foreach link {1 2} {
	    if {[dict get $facts interface] == $index($link)} {
		dict set facts interface link$link
	    }
	}
	dict set facts text $text
	lappend result [lmap word $args {dict get $facts $word}]
    }
}

# The same, after a last datagram by each link.

proc ::net::takeThose {family chan args} {
    variable our
    set result {}
    foreach link {1 2} {
	peerSends $link $our($family,$link) $chan last
	lappend result {*}[takeAll $chan {*}$args]
    }
    return [lsort $result]
}

# Joins or leaves a group at a link.

proc ::net::member {chan option family group link} {
    variable interface
    fconfigure $chan $option [list $group $interface($family,$link)]
}

foreach {n family} {1 inet 2 inet6} {
    test udpNetwork-$n.1 "$family: what is told of each datagram" -setup {
	set a [iocpsock::udp -family $family]
	set group $::net::group($family,1)
    } -body {
	::net::member $a -mcastadd $family $group 1
	::net::member $a -mcastadd $family $group 2
	foreach link {1 2} {
	    ::net::peerSends $link $group $a to-group 17
	    ::net::peerSends $link $::net::our($family,$link) $a to-us 18
	    ::net::peerSends $link $::net::our($family,$link) $a last
	    foreach seen [::net::takeAll $a text address local interface hops] {
		lappend result [expr {$seen eq [list [lindex $seen 0] \
		    $::net::peer($family,$link) \
		    [expr {[lindex $seen 0] eq "to-us"
			? $::net::our($family,$link) : $group}] link$link \
		    [expr {[lindex $seen 0] eq "to-us" ? 18 : 17}]]
			? [lindex $seen 0] : $seen}]
	    }
	}
	set result
    } -cleanup {
	support::closeAll $a
	unset -nocomplain result
    } -result {to-group to-us to-group to-us}

    test udpNetwork-$n.2 "$family: groups by link; one that was left" -setup {
	set a [iocpsock::udp -family $family]
	set one $::net::group($family,1)
	set two $::net::group($family,2)
    } -body {
	::net::member $a -mcastadd $family $one 1
	::net::member $a -mcastadd $family $two 1
	::net::member $a -mcastadd $family $two 2
	foreach leave {none 1 2} {
	    if {$leave ne "none"} {
		::net::member $a -mcastdrop $family $two $leave
	    }
	    foreach link {1 2} {
		::net::peerSends $link $one $a one-$link
		::net::peerSends $link $two $a two-$link
	    }
	    lappend result [::net::takeThose $family $a text]
	}
	lappend result [llength [fconfigure $a -mcastgroups]]
    } -cleanup {
	support::closeAll $a
	unset -nocomplain result
    } -result {{one-1 two-1 two-2} {one-1 two-2} one-1 1}

    test udpNetwork-$n.3 "$family: no member of the group is left" \
    -setup {
	set a [iocpsock::udp -family $family]
	set b [iocpsock::udp -family $family]
	set group $::net::group($family,1)
    } -body {
	::net::member $b -mcastadd $family $group 1
	close $b
	::net::peerSends 1 $group $a left
	::net::takeThose $family $a text
    } -cleanup {
	support::closeAll $a
    } -result {}

    test udpNetwork-$n.4 "$family: where it goes out, and how far" -setup {
	set a [iocpsock::udp -family $family]
	set group $::net::group($family,1)
    } -body {
	foreach {link hops} {1 1 2 1 1 5 2 255} {
	    fconfigure $a -mcastif $::net::interface($family,$link) \
		-mcastttl $hops
	    iocpsock::sendto $a out-$hops $group 9
	    lappend result [lmap seen [::net::peerSaw out-$hops] {
		lreplace $seen 1 2 [expr {[lrange $seen 1 2]
		    eq [list $::net::our($family,$link) $group]
		    ? "right" : [lrange $seen 1 2]}]
	    }]
	}
	set result
    } -cleanup {
	support::closeAll $a
	unset -nocomplain result
    } -result {{{1 right 1 out-1}} {{2 right 1 out-1}} {{1 right 5 out-5}}\
	{{2 right 255 out-255}}}

    # On Windows the receiver's -mcastloop counts. Here both are one channel.

    test udpNetwork-$n.5 "$family: its own multicasts; none that go nowhere" \
    -setup {
	set a [iocpsock::udp -family $family]
	set group $::net::group($family,1)
	set port [fconfigure $a -myport]
    } -body {
	::net::member $a -mcastadd $family $group 1
	fconfigure $a -mcastif $::net::interface($family,1)
	foreach {loop hops} {1 1 0 1 1 0} {
	    fconfigure $a -mcastloop $loop -mcastttl $hops
	    iocpsock::sendto $a loop-$loop-$hops $group $port
	    iocpsock::sendto $a end $::net::peer($family,1) $port
	    lappend result [::net::takeThose $family $a text address] \
		[lmap seen [::net::peerSaw end] {lindex $seen end}]
	}
	string map [list $::net::our($family,1) ours] $result
    } -cleanup {
	support::closeAll $a
	unset -nocomplain result
    } -result {{{loop-1-1 ours}} {loop-1-1 end} {} {loop-0-1 end}\
	{{loop-1-0 ours}} end}

    test udpNetwork-$n.6 "$family: hops of unicasts" -setup {
	set a [iocpsock::udp -family $family]
	set option [expr {$family eq "inet" ? "-ttl" : "-hops"}]
    } -body {
	foreach {hops link} {1 1 44 1 255 2} {
	    fconfigure $a $option $hops
	    iocpsock::sendto $a hops $::net::peer($family,$link) 9
	    lappend result [lmap seen [::net::peerSaw hops] {
		list [lindex $seen 0] [lindex $seen 3]
	    }]
	}
	set result
    } -cleanup {
	support::closeAll $a
	unset -nocomplain result
    } -result {{{1 1}} {{1 44}} {{2 255}}}
}

# ----------------------------------------------------------------------
# 3: both families, and interfaces by index

test udpNetwork-3.1 {one channel has groups of both families} -setup {
    set a [iocpsock::udp]
} -body {
    foreach family {inet inet6} {
	foreach link {1 2} {
	    ::net::member $a -mcastadd $family $::net::group($family,$link) \
		$link
	}
    }
    foreach family {inet inet6} {
	::net::peerSends 1 $::net::group($family,1) $a $family-1
	::net::peerSends 2 $::net::group($family,2) $a $family-2
	lappend result [::net::takeThose $family $a text interface]
    }
    set result
} -cleanup {
    support::closeAll $a
    unset -nocomplain result
} -result {{{inet-1 link1} {inet-2 link2}} {{inet6-1 link1} {inet6-2 link2}}}

# Windows takes an IPv4 address that begins with 0 for an index. Wine 8 and 10
# do not.

test udpNetwork-3.2 {the index of an interface for IPv4} -setup {
    set a [iocpsock::udp -family inet]
    set group $::net::group(inet,1)
} -body {
    if {[catch {
	fconfigure $a -mcastadd [list $group $::net::index(2)]
    } message]} {
	list $message [catch {fconfigure $a -mcastif $::net::index(2)} message]\
	    $message [fconfigure $a -mcastgroups] [fconfigure $a -mcastif]
    } else {
	fconfigure $a -mcastif $::net::index(2)
	::net::peerSends 2 $group $a in
	iocpsock::sendto $a out $group 9
	list [::net::takeThose inet $a text interface] \
	    [lindex [::net::peerSaw out] 0 0]
    }
} -cleanup {
    support::closeAll $a
    unset -nocomplain message
} -match regexp -result {^\{\{in link2\}\} 2$|^\{can't join group "\S+ \d+":\
	invalid argument\} 1 \{can't set interface "\d+": invalid argument\}\
	\{\} \{\}$}

# ----------------------------------------------------------------------
# 4: broadcasts

test udpNetwork-4.1 {broadcasts arrive, with the address that they went to} \
-setup {
    set a [iocpsock::udp]
} -body {
    ::net::peerSends 1 192.0.2.127 $a net-1
    ::net::peerSends 2 192.0.2.255 $a net-2
    ::net::peerSends 1 255.255.255.255 $a all-1
    ::net::peerSends 2 255.255.255.255 $a all-2
    ::net::takeThose inet $a text address local interface
} -cleanup {
    support::closeAll $a
} -result {{all-1 192.0.2.2 255.255.255.255 link1}\
	{all-2 192.0.2.130 255.255.255.255 link2}\
	{net-1 192.0.2.2 192.0.2.127 link1}\
	{net-2 192.0.2.130 192.0.2.255 link2}}

test udpNetwork-4.2 {broadcasts go out when they are allowed} -setup {
    set a [iocpsock::udp]
    set b [iocpsock::udp -family inet -myaddr 192.0.2.129]
} -body {
    set result {}
    foreach {chan address} {
	a 192.0.2.127 a 192.0.2.255 a 255.255.255.255 b 255.255.255.255
    } {
	fconfigure [set $chan] -broadcast 0
	lappend result [catch {
	    iocpsock::sendto [set $chan] early $address 9
	} message options] [lindex [dict get $options -errorcode] 1]
	fconfigure [set $chan] -broadcast 1
	iocpsock::sendto [set $chan] all $address 9
	lappend result {*}[lmap seen [::net::peerSaw all] {lreplace $seen 3 3}]
    }
    set result
} -cleanup {
    support::closeAll $a $b
    unset -nocomplain result message options
} -result {1 EACCES {1 192.0.2.1 192.0.2.127 all}\
	1 EACCES {2 192.0.2.129 192.0.2.255 all}\
	1 EACCES {1 192.0.2.1 255.255.255.255 all}\
	1 EACCES {2 192.0.2.129 255.255.255.255 all}}

# ----------------------------------------------------------------------
# 5: the examples. Their usual ports are free in this network.

test udpNetwork-5.1 {mcastchat.tcl, started by its one line} -setup {
    set child [support::child -bare 1 \
	[list source [file join $::sample::folder mcastchat.tcl]] -name Ada]
    set lines [list [support::childLine $child]]
} -body {
    ::net::command send peer1 239.255.70.13 7013 1 "<Bob> hello"
    lappend lines [support::childLine $child]
    support::childPut $child "hello, Bob"
    lappend lines [support::childLine $child] [lindex [::net::peerSaw Bob] 0]
    close $child write
    list $lines [support::childEnd $child]
} -cleanup {
    unset -nocomplain child lines
} -result {{{listening on 0.0.0.0 7013} {192.0.2.2: <Bob> hello}\
	{192.0.2.1: <Ada> hello, Bob}\
	{1 192.0.2.1 239.255.70.13 1 {<Ada> hello, Bob}}} {status 0 output {}}}

test udpNetwork-5.2 {syslog.tcl prints what logger sends from another machine} \
-setup {
    set child [support::child -bare 1 \
	[list source [file join $::sample::folder syslog.tcl]] \
	-address 192.0.2.1 -stdin quit]
    set lines [list [support::childLine $child]]
} -body {
    foreach format {rfc3164 rfc5424} {
	::net::command logger $format 192.0.2.1 5514 "hello from logger"
	lappend lines [regsub {^\S+ \S+ } [support::childLine $child] {}]
    }
    close $child write
    list $lines [support::childEnd $child]
} -cleanup {
    unset -nocomplain child lines
} -match glob -result {{{listening on 192.0.2.1 5514}\
	{192.0.2.2 user.info * test: hello from logger}\
	{192.0.2.2 user.info 1 * test * hello from logger}}\
	{status 0 output {}}}

close $::net::commands
namespace delete ::net

cleanupTests
