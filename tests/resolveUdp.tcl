# resolveUdp.tcl --
#
#	Names of datagram channels, and a slow resolver, as in resolve.tcl. A
#	test would not end if a look-up blocked the script.

namespace import ::tcltest::*

set namePrefix u
source [file join $::support::dir resolveSupport.tcl]

proc dial {name port args} {
    return [iocpsock::udp {*}$args $name.held.test $port]
}

proc receiver {} {
    set chan [iocpsock::udp -myaddr 127.0.0.1]
    return [list $chan [fconfigure $chan -myport]]
}

proc take {chan} {
    return [lindex [iocpsock::recv $chan -max 1 -timeout 10000] 0]
}

proc note {chan bytes facts} {
    lappend ::noted $bytes
}

test resolveUdp-1.1 {during a look-up the script and timers run, and datagrams\
        wait} \
-setup {
    lassign [receiver] server port
    set ::noted {}
    unset -nocomplain ::ticked
} -body {
    set name [newName]
    set chan [dial $name $port -command note]
    foreach bytes {one two three} {
	iocpsock::sendto $chan $bytes
    }
    after 10 {set ::ticked 1}
    support::wait ticked
    set before [list [fconfigure $chan -connecting] \
	[fconfigure $chan -sockname] [fconfigure $chan -error] \
	[dict get [fconfigure $chan -stats] datagramsOut] \
	[iocpsock::recv $server]]
    tell release $name
    support::until {![fconfigure $chan -connecting]}
    set got [list [take $server] [take $server]]
    lassign [iocpsock::recv $server -timeout 10000] bytes facts
    lappend got $bytes
    iocpsock::sendto $server answer 127.0.0.1 [dict get $facts port]
    support::wait noted {$::noted ne {}}
    list $before $got $::noted
} -cleanup {
    support::closeAll $chan $server
} -result {{1 {} {} 0 {}} {one two three} answer}

test resolveUdp-1.2 {an unknown name gives the resolver's message, once} \
-setup {
    unset -nocomplain ::readable ::writable
    catch {iocpsock::udp nobody.invalid.test 1} message
} -body {
    set name [newName]
    set chan [dial $name 1 -async]
    fconfigure $chan -blocking 0
    iocpsock::sendto $chan x
    foreach event {readable writable} {
	fileevent $chan $event \
	    "fileevent $chan $event {}; set ::$event 1"
    }
    tell refuse $name
    support::wait readable
    support::wait writable
    set error [fconfigure $chan -error]
    list [expr {$message eq "couldn't open socket: $error"}] \
	[expr {$error ne ""}] [fconfigure $chan -error] \
	[lindex [support::outcome {iocpsock::sendto $chan x}] 2]
} -cleanup {
    support::closeAll $chan
} -match glob -result {1 1 {} {POSIX ENOTCONN *}}

test resolveUdp-1.3 {a late answer to a closed channel does no harm} -body {
    set names {}
    for {set i 0} {$i < 10} {incr i} {
	lappend names [newName]
	set chan [dial [lindex $names end] 1 -async]
	fconfigure $chan -blocking 0
	iocpsock::sendto $chan x
	close $chan
    }
    set books [support::zeroStats]
    foreach name $names {
	tell release $name
    }
    support::drain
    list [lsort -unique [dict values $books]] \
	[lsort -unique [dict values [support::zeroStats]]]
} -result {0 0}

test resolveUdp-1.4 {blocking calls wait for the name} -setup {
    lassign [receiver] server port
} -body {
    set name [newName]
    set chan [dial $name $port -async]
    tell release $name
    puts -nonewline $chan hello
    flush $chan
    take $server
} -cleanup {
    support::closeAll $chan $server
} -result hello

test resolveUdp-1.5 {a channel can move to another thread during the look-up} \
-constraints {
    hasThreads
} -setup {
    lassign [receiver] server port
    set thread [support::thread]
} -body {
    set name [newName]
    set chan [dial $name $port -async]
    fconfigure $chan -blocking 0
    iocpsock::sendto $chan before
    testthread transfer $thread $chan
    testthread send $thread [list iocpsock::sendto $chan after]
    tell release $name
    testthread send $thread "fconfigure $chan -blocking 1
	iocpsock::sendto $chan last
	close $chan"
    list [take $server] [take $server] [take $server]
} -cleanup {
    support::closeAll $server
    support::joinThreads $thread
} -result {before after last}

test resolveUdp-1.6 {-remote and sendto: each datagram waits for its own name} \
-setup {
    lassign [receiver] server port
    set chan [iocpsock::udp -myaddr 127.0.0.1]
    fconfigure $chan -blocking 0
} -body {
    set first [newName]
    set second [newName]
    set third [newName]
    fconfigure $chan -remote [list $first.held.test $port]
    iocpsock::sendto $chan first
    fconfigure $chan -remote [list $second.held.test $port]
    iocpsock::sendto $chan second
    iocpsock::sendto $chan third $third.held.test $port
    set remote [fconfigure $chan -remote]
    set got {}
    foreach name [list $third $second $first] {
	tell release $name
	lappend got [take $server]
    }
    list $remote $got [lindex [fconfigure $chan -remote] 0]
} -cleanup {
    support::closeAll $chan $server
} -result {{} {third second first} 127.0.0.1}

test resolveUdp-2.1 {a process exits without waiting for the look-up} -body {
    support::runChild {
	set chan [iocpsock::udp -async forever5.held.test 1]
	fconfigure $chan -blocking 0
	iocpsock::sendto $chan x
	exit 7
    }
} -result {status 7 output {}}

test resolveUdp-2.2 {a thread exits without waiting for the look-up} \
-constraints {
    hasThreads
} -setup {
    set thread [support::thread]
} -body {
    testthread send $thread {
	set chan [iocpsock::udp -async forever6.held.test 1]
    }
    testthread exit $thread
    support::joinThreads $thread
} -result {}

test resolveUdp-2.3 {an interpreter is deleted without waiting for the\
        look-up} \
-setup {
    interp create inner
    interp eval inner [list set ::auto_path $::auto_path]
    interp eval inner [list source [file join $support::dir support.tcl]]
} -body {
    interp eval inner {iocpsock::udp -async forever7.held.test 1}
    interp delete inner
    lsort -unique [dict values [support::zeroStats]]
} -result 0

cleanupTests
