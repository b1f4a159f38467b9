# resolve.tcl --
#
#	Names and a slow resolver. resolve.sh runs it, and starts the resolver
#	(heldDns.pl). The resolver answers only when the script tells it to.
#	Therefore a test would not end if the look-up blocked the script.

namespace import ::tcltest::*

set namePrefix n
source [file join $::support::dir resolveSupport.tcl]

proc dial {name port args} {
    return [support::sock {*}$args -async $name.held.test $port]
}

proc on {event chan script} {
    fileevent $chan $event [list apply [list chan $script ::] $chan]
}

test resolve-1.1 {during a look-up the script and timers run, then it\
        connects} \
-setup {
    set listener [support::listen]
    unset -nocomplain ::ticked ::connected
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener]]
    after 10 {set ::ticked 1}
    support::wait ticked
    set before [list [fconfigure $chan -connecting] \
	[fconfigure $chan -peername] [fconfigure $chan -sockname] \
	[fconfigure $chan -error]]
    on writable $chan {
	fileevent $chan writable {}
	set ::connected [fconfigure $chan -connecting]
    }
    tell release $name
    support::wait connected
    set server [support::accept $listener]
    fconfigure $chan -buffering line
    fconfigure $server -buffering line
    puts $chan question
    puts $server [gets $server]!
    list $before $connected [gets $chan] [lindex [fconfigure $chan -peername] 0]
} -cleanup {
    support::closeAll $chan $server $listener
} -result {{1 {} {} {}} 0 question! 127.0.0.1}

test resolve-1.2 {an unknown name gives the resolver's message, once} -setup {
    unset -nocomplain ::readable ::writable
    catch {support::sock nobody.invalid.test 1} message
} -body {
    set name [newName]
    set chan [dial $name 1]
    on readable $chan {fileevent $chan readable {}; set ::readable 1}
    on writable $chan {fileevent $chan writable {}; set ::writable 1}
    tell refuse $name
    support::wait readable
    support::wait writable
    set error [fconfigure $chan -error]
    list [expr {$message eq "couldn't open socket: $error"}] \
	[expr {$error ne ""}] [fconfigure $chan -error] \
	[fconfigure $chan -connecting] \
	[lindex [support::outcome {gets $chan}] 2]
} -cleanup {
    catch {close $chan}
} -match glob -result {1 1 {} 0 {POSIX ENOTCONN *}}

test resolve-1.3 {a late answer to a closed channel does no harm} -body {
    set names {}
    for {set i 0} {$i < 10} {incr i} {
	lappend names [newName]
	close [dial [lindex $names end] 1]
    }
    set books [support::zeroStats]
    foreach name $names {
	tell release $name
    }
    support::drain
    list [lsort -unique [dict values $books]] \
	[lsort -unique [dict values [support::zeroStats]]]
} -result {0 0}

test resolve-1.4 {a close during the look-up delivers the output} -setup {
    set listener [support::listen]
    unset -nocomplain ::received
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener]]
    fconfigure $chan -blocking 0 -translation binary
    puts -nonewline $chan [support::pattern 0 100000]
    close $chan
    tell release $name
    set server [support::accept $listener]
    fconfigure $server -translation binary
    support::receivePattern $server received
    support::wait received
} -cleanup {
    support::closeAll $listener
} -result 100000

test resolve-1.5 {blocking calls wait for the name and the connection} -setup {
    set listener [support::listen]
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener]]
    tell release $name
    fconfigure $chan -buffering line
    puts $chan hello
    set server [support::accept $listener]
    gets $server
} -cleanup {
    support::closeAll $chan $server $listener
} -result hello

test resolve-1.6 {non-blocking calls return at once} -body {
    set chan [dial [newName] 1]
    fconfigure $chan -blocking 0
    list [gets $chan line] [eof $chan] [fblocked $chan]
} -cleanup {
    close $chan
} -result {-1 0 1}

test resolve-1.7 {options set during the look-up apply to the connection} \
-setup {
    set listener [support::listen]
    unset -nocomplain ::connected
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener]]
    set before [list [fconfigure $chan -keepalive] [fconfigure $chan -nodelay]]
    fconfigure $chan -keepalive 1 -nodelay 1 -sosndbuf 20000 -sendcap 2
    set during [list [fconfigure $chan -keepalive] \
	[fconfigure $chan -nodelay] [fconfigure $chan -sosndbuf]]
    on writable $chan {fileevent $chan writable {}; set ::connected 1}
    tell release $name
    support::wait connected
    list $before $during [fconfigure $chan -keepalive] \
	[fconfigure $chan -nodelay] [fconfigure $chan -sendcap]
} -cleanup {
    support::closeAll $chan $listener
} -result {{0 0} {1 1 20000} 1 1 2}

test resolve-1.8 {-myaddr is looked up at the same time} -setup {
    set listener [support::listen]
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener] -myaddr 127.0.0.1]
    tell release $name
    set server [support::accept $listener]
    lindex [fconfigure $server -peername] 0
} -cleanup {
    support::closeAll $chan $server $listener
} -result 127.0.0.1

test resolve-1.9 {a channel can move to another thread during the look-up} \
-constraints {
    hasThreads
} -setup {
    set listener [support::listen]
    set thread [support::thread]
} -body {
    set name [newName]
    set chan [dial $name [support::port $listener]]
    testthread transfer $thread $chan
    tell release $name
    testthread send $thread [list puts $chan hello]
    testthread send $thread [list close $chan]
    set server [support::accept $listener]
    gets $server
} -cleanup {
    support::closeAll $server $listener
    support::joinThreads $thread
} -result hello

test resolve-1.10 {many look-ups can finish in any order} -setup {
    set listener [support::listen]
    set names {}
} -body {
    for {set i 0} {$i < 20} {incr i} {
	set name [newName]
	set chan [dial $name [support::port $listener]]
	fconfigure $chan -blocking 0 -buffering line
	puts $chan $name
	set chans($name) $chan
	lappend names $name
    }
    set released [lreverse $names]
    foreach name $released {
	tell release $name
    }
    foreach name $names {
	# The client may still have to send its line, for which it needs events.
	set server [support::accept $listener]
	fconfigure $server -blocking 0
	set line {}
	on readable $server {
	    if {[gets $chan text] >= 0} {
		fileevent $chan readable {}
		set ::line $text
	    }
	}
	support::wait ::line {$::line ne {}}
	lappend got $line
	close $server
    }
    expr {[lsort $got] eq [lsort $names]}
} -cleanup {
    foreach name $names {
	close $chans($name)
    }
    support::closeAll $listener
    unset -nocomplain got chans names line
} -result 1

test resolve-2.1 {a process exits without waiting for the look-up} -body {
    support::runChild {
	set chan [support::sock -async forever1.held.test 1]
	exit 7
    }
} -result {status 7 output {}}

test resolve-2.2 {a process exits without waiting for a closed channel} -body {
    support::runChild {
	close [support::sock -async forever2.held.test 1]
	exit 8
    }
} -result {status 8 output {}}

test resolve-2.3 {a thread exits without waiting for the look-up} -constraints {
    hasThreads
} -setup {
    set thread [support::thread]
} -body {
    testthread send $thread {
	set chan [support::sock -async forever3.held.test 1]
    }
    testthread exit $thread
    support::joinThreads $thread
} -result {}

test resolve-2.4 {an interpreter is deleted without waiting for the look-up} \
-setup {
    interp create inner
    interp eval inner [list set ::auto_path $::auto_path]
    interp eval inner [list source [file join $support::dir support.tcl]]
} -body {
    interp eval inner {support::sock -async forever4.held.test 1}
    interp delete inner
    lsort -unique [dict values [support::zeroStats]]
} -result 0

cleanupTests
