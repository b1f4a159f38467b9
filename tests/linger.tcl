# linger.tcl --
#
#	A peer reads slowly, and has sent input that nobody reads. It must
#	receive all that was written, whatever way the connection ends.
#	linger.sh runs it, with lingerPeer.pl as the peer.

namespace import ::tcltest::*

namespace eval linger {
    variable control [support::sock 127.0.0.1 $::env(IOCPSOCK_PEER)]
    variable size 3000000
}
fconfigure $linger::control -buffering line

proc linger::tell {line} {
    variable control
    puts $control $line
}

# Returns what the peer received, and how it ended. Closes continue meanwhile.

proc linger::result {} {
    variable control
    variable answered
    tell result
    fileevent $control readable [list set ::linger::answered 1]
    support::wait ::linger::answered
    fileevent $control readable {}
    unset answered
    return [gets $control]
}

proc linger::settings {settings} {
    variable control
    tell "set greet=0 pace=0 chunk=65536 stay=0 $settings"
    gets $control
}

# Connects to the peer, with settings of lingerPeer.pl. The greeting has arrived
# and stays unread.

proc linger::open {settings args} {
    settings $settings
    set chan [support::sock 127.0.0.1 $::env(IOCPSOCK_PEER)]
    fconfigure $chan -translation binary {*}$args
    return $chan
}

proc linger::books {args} {
    set stats [iocpsock::stats]
    return [lmap key $args {dict get $stats $key}]
}

# Waits until only the control connection is left.

proc linger::over {} {
    support::until {[linger::books connections closing] eq {1 0}}
}

proc linger::write {chan {bytes {}}} {
    variable size
    puts -nonewline $chan [string repeat x [expr {
	$bytes eq "" ? $size : $bytes}]]
}

# Runs a script in a child with a connection to the peer, and ends the child.
# The script prints a line when the peer shall continue.

proc linger::fromChild {settings script {env {}}} {
    settings $settings
    set child [support::child -env $env "
	set port $::env(IOCPSOCK_PEER)
	proc connect {} {
	    set chan \[support::sock 127.0.0.1 \$::port\]
	    fconfigure \$chan -translation binary -blocking 0
	    # Waits for the greeting.
	    fileevent \$chan readable {set ::greeted 1}
	    vwait ::greeted
	    fileevent \$chan readable {}
	    return \$chan
	}
	$script
    "]
    set line [support::childLine $child]
    tell go
    set got [result]
    return [list $line $got [support::childEnd $child]]
}

# ----------------------------------------------------------------------
# Unread input at a close

foreach {n blocking way} {
    1 0 close
    2 1 close
    3 0 {close write}
    4 1 {close write}
} {
    test linger-1.$n "unread input, $way, -blocking $blocking" -setup {
	set chan [linger::open {greet=100 pace=5} -buffersize 100000]
	linger::tell go
    } -body {
	fileevent $chan readable {set ::greeted 1}
	support::wait greeted
	fileevent $chan readable {}
	fconfigure $chan -blocking $blocking
	linger::write $chan
	if {$way eq "close write"} {
	    close $chan write
	}
	close $chan
	set got [linger::result]
	linger::over
	set got
    } -cleanup {
	support::closeAll $chan
	unset -nocomplain ::greeted
    } -result "$linger::size eof"
}

test linger-1.5 {input during a close loses no output} -setup {
    set chan [linger::open {pace=1} -blocking 0 -buffersize 100000]
} -body {
    # This is more than the system takes at once.
    linger::write $chan 12000000
    close $chan
    linger::tell "say 5000"
    linger::tell go
    set got [linger::result]
    linger::over
    set got
} -result "12000000 eof"

test linger-1.6 {a deleted interpreter loses no output} -setup {
    interp create slave
    set chan [linger::open {greet=100 pace=5} -blocking 0]
} -body {
    interp share {} $chan slave
    linger::write $chan
    close $chan
    interp delete slave
    linger::tell go
    set got [linger::result]
    linger::over
    set got
} -cleanup {
    catch {interp delete slave}
} -result "$linger::size eof"

test linger-1.7 {a transformation above the socket loses no output} -setup {
    set chan [linger::open {greet=100 pace=5} -blocking 0]
    proc linger::through {cmd chan args} {
	switch $cmd {
	    initialize {return {initialize finalize read write flush drain}}
	    read - write {return [lindex $args 0]}
	}
    }
} -body {
    chan push $chan linger::through
    linger::write $chan
    close $chan
    linger::tell go
    set got [linger::result]
    linger::over
    set got
} -cleanup {
    rename linger::through {}
} -result "$linger::size eof"

test linger-1.8 {-stats counts a close until the peer has read everything} \
-setup {
    set chan [linger::open {greet=10000 stay=1} -buffersize 10]
} -body {
    linger::write $chan 1000
    read $chan 1
    close $chan
    linger::tell go
    set got [list [linger::books connections closing] [linger::result]]
    linger::tell end
    linger::over
    set got
} -result {{2 1} {1000 eof}}

test linger-1.9 {a close waits for a limited time for a peer that stays} \
-setup {
    set chan [linger::open {greet=10000 stay=1} -buffersize 10]
} -body {
    linger::write $chan 1000
    read $chan 1
    linger::tell go
    set began [clock milliseconds]
    close $chan
    linger::over
    set took [expr {[clock milliseconds] - $began}]
    list [linger::result] [expr {$took > 4000 ? "" : $took}]
} -cleanup {
    linger::tell end
} -result {{1000 eof} {}}

test linger-1.10 {a close without unread input does not wait} -setup {
    set chan [linger::open {stay=1}]
} -body {
    linger::write $chan 1000
    close $chan
    linger::over
    linger::tell go
    linger::result
} -cleanup {
    linger::tell end
} -result {1000 eof}

# ----------------------------------------------------------------------
# The reading side is closed

test linger-2.1 {input before and after a half-close loses no output} -setup {
    set chan [linger::open {greet=100 pace=5} -blocking 0]
} -body {
    close $chan read
    linger::write $chan
    linger::tell "say 5000"
    linger::tell go
    close $chan write
    set got [linger::result]
    linger::over
    set got
} -result "$linger::size eof"

test linger-2.2 {after a half-close input of the peer is discarded} -setup {
    set chan [linger::open {pace=5} -blocking 0]
} -body {
    close $chan read
    # This is more than the system can hold. An unread peer would be blocked.
    linger::tell "say 20000000"
    linger::tell go
    linger::write $chan 1000
    close $chan
    set got [linger::result]
    linger::over
    set got
} -result {1000 eof}

# ----------------------------------------------------------------------
# Closes with a limit

# The driver's clock may tick every 16 ms.
test linger-3.1 {-closetimeout ends a close with a peer that does not read} \
-setup {
    set chan [linger::open {} -blocking 0 -buffersize 100000 -closetimeout 300]
} -body {
    linger::write $chan 20000000
    set before [linger::books connections]
    set began [clock milliseconds]
    close $chan
    linger::over
    set took [expr {[clock milliseconds] - $began}]
    linger::tell go
    list $before [regexp {^\d+ reset$} [linger::result]] \
	[expr {$took >= 280 ? "" : $took}] [linger::books bufferBytes]
} -result {2 1 {} 0}

test linger-3.2 {-closetimeout also ends a close if only the driver has bytes} \
-setup {
    set chan [linger::open {} -blocking 0 -closetimeout 100]
} -body {
    while {[chan pending output $chan] == 0} {
	linger::write $chan 100000
	flush $chan
    }
    # The driver holds bytes, Tcl holds none.
    close $chan
    linger::over
    linger::tell go
    regexp {^\d+ reset$} [linger::result]
} -result 1

test linger-3.3 {a blocking close reports its timeout} -setup {
    set chan [linger::open {} -buffersize 1000000 -closetimeout 200]
} -body {
    fconfigure $chan -blocking 0
    linger::write $chan 20000000
    fconfigure $chan -blocking 1
    catch {close $chan} message options
    linger::over
    linger::tell go
    list [lrange [dict get $options -errorcode] 0 1] \
	[regexp {^\d+ reset$} [linger::result]]
} -result {{POSIX ETIMEDOUT} 1}

test linger-3.4 {-closetimeout does not end a close that finishes in time} \
-setup {
    set chan [linger::open {pace=1} -blocking 0 -closetimeout 20000]
} -body {
    linger::write $chan
    close $chan
    linger::tell go
    set got [linger::result]
    linger::over
    set got
} -result "$linger::size eof"

test linger-3.5 {-closetimeout is inherited from the listener} -setup {
    set listener [support::listen]
    fconfigure $listener -closetimeout 1234
    set a [support::sock 127.0.0.1 [support::port $listener]]
    set b [support::accept $listener]
} -body {
    list [fconfigure $listener -closetimeout] [fconfigure $a -closetimeout] \
	[fconfigure $b -closetimeout] \
	[catch {fconfigure $a -closetimeout soon} message] $message
} -cleanup {
    support::closeAll $a $b $listener
} -result {1234 0 1234 1 {bad value "soon" for -closetimeout: must be an\
    integer from 0 to 2147483647}}

foreach {n blocking} {6 0 7 1} {
    test linger-3.$n "abort discards output, -blocking $blocking" -setup {
	set chan [linger::open {greet=100} -blocking 0 -buffersize 100000]
    } -body {
	linger::write $chan 20000000
	fconfigure $chan -blocking $blocking
	set result [iocpsock::abort $chan]
	set left [expr {$chan in [chan names]}]
	linger::over
	linger::tell go
	list $result $left [regexp {^\d+ reset$} [linger::result]] \
	    [linger::books bufferBytes]
    } -result {{} 0 1 0}
}

test linger-3.8 {abort refuses what is not a connection of this driver} -setup {
    set listener [support::listen]
} -body {
    set got {}
    foreach chan [list $listener stdout nothing] {
	lappend got [catch {iocpsock::abort $chan} message options] \
	    [string map [list $chan NAME] $message] \
	    [lindex [dict get $options -errorcode] 0]
    }
    lappend got [catch {iocpsock::abort} message] $message
} -cleanup {
    support::closeAll $listener
} -result {1 {can't abort "NAME": it is a server, so close it} IOCPSOCK\
    1 {can't abort "NAME": it is not a socket of iocpsock} IOCPSOCK\
    1 {can not find channel named "NAME"} TCL\
    1 {wrong # args: should be "iocpsock::abort chan"}}

test linger-3.9 {abort works while connecting and in the channel's handler} \
-body {
    set a [support::sock -async 127.0.0.1 $::env(IOCPSOCK_PEER)]
    iocpsock::abort $a
    set b [linger::open {greet=100} -blocking 0]
    fileevent $b readable [list apply {{chan} {
	iocpsock::abort $chan
	set ::aborted [expr {$chan in [chan names]}]
    } ::} $b]
    support::wait aborted
    linger::over
    set ::aborted
} -cleanup {
    unset -nocomplain ::aborted
} -result 0

test linger-3.10 {abort works under a transformation and during a copy} -setup {
    set chan [linger::open {} -blocking 0 -buffersize 100000]
    close [file tempfile name]
    set out [::open $name w]
    puts -nonewline $out [string repeat x 5000000]
    close $out
    set in [::open $name rb]
} -body {
    fcopy $in $chan -command {set ::copied}
    update
    iocpsock::abort $chan
    linger::over
    linger::tell go
    regexp {^\d+ reset$} [linger::result]
} -cleanup {
    close $in
    file delete $name
} -result 1

# ----------------------------------------------------------------------
# Exits

test linger-4.1 {exit with unread input delivers a blocking channel's output} \
-body {
    linger::fromChild {greet=100 pace=5} {
	set chan [connect]
	fconfigure $chan -blocking 1 -buffersize 1000000
	puts -nonewline $chan [string repeat x 500000]
	puts written
	exit
    }
} -result {written {500000 eof} {status 0 output {}}}

# Tcl drops its own buffer of this channel, and does not close it.

test linger-4.2 {exit with a channel that Tcl drops delivers the driver's\
        bytes} \
-body {
    set got [linger::fromChild {greet=100 pace=5} {
	set chan [connect]
	puts -nonewline $chan [string repeat x 20000000]
	puts [dict get [fconfigure $chan -stats] bytesOut]
	close $chan
	exit
    }]
    lassign $got taken seen end
    lassign $seen count how
    list [expr {$taken > 100000}] [expr {$count >= $taken}] $how $end
} -result {1 1 eof {status 0 output {}}}

test linger-4.3 {exit delivers the driver's bytes of another thread} \
-constraints {
    hasThreads
} -body {
    set got [linger::fromChild {greet=100 pace=5} {
	set thread [support::thread]
	testthread send $thread [list set port $port]
	testthread send $thread [list proc connect {} [info body connect]]
	puts [testthread send $thread {
	    set chan [connect]
	    puts -nonewline $chan [string repeat x 1500000]
	    dict get [fconfigure $chan -stats] bytesOut
	}]
	exit
    }]
    lassign $got taken seen end
    lassign $seen count how
    list [expr {$taken > 100000}] [expr {$count >= $taken}] $how $end
} -result {1 1 eof {status 0 output {}}}

# The peer reads nothing. The end of the thread is limited, and leaves nothing.

test linger-4.4 {the end of a thread with a stalled peer is limited} \
-constraints {
    hasThreads
} -setup {
    linger::settings greet=100
    set thread [support::thread]
} -body {
    set memory [linger::books memoryBytes]
    testthread send $thread [list set port $::env(IOCPSOCK_PEER)]
    testthread send $thread {
	set chan [support::sock 127.0.0.1 $port]
	fconfigure $chan -translation binary -blocking 0
	puts -nonewline $chan [string repeat x 20000000]
	close $chan
    }
    support::joinThreads $thread
    set left [linger::books connections sockets bufferBytes]
    linger::tell go
    list $left [regexp {^\d+ reset$} [linger::result]]
} -result {{1 1 0} 1}

# ----------------------------------------------------------------------
# While connecting

# The system has connected both. The event loop has not run.

test linger-5.1 {-connecting and a half-close are right just after -async} \
-setup {
    set listener [support::listen]
    set a [support::sock -async 127.0.0.1 [support::port $listener]]
    set b [support::sock -async 127.0.0.1 [support::port $listener]]
} -body {
    for {set i 0} {$i < 1000 && [fconfigure $a -connecting]} {incr i} {
	after 5
    }
    close $b write
    set first [support::accept $listener]
    set second [support::accept $listener]
    lassign [lindex [fconfigure $b -sockname] 2] bPort
    foreach chan [list $first $second] {
	if {[lindex [fconfigure $chan -peername] 2] == $bPort} {
	    set end [list [read $chan] [eof $chan]]
	}
    }
    list [fconfigure $a -connecting] $end
} -cleanup {
    support::closeAll $a $b $first $second $listener
} -result {0 {{} 1}}

foreach {n direction seen} {2 write {{} 1} 3 read {more 0}} {
    test linger-5.$n "half-close ($direction) works while connecting" \
	-setup {
	set listener [support::listen]
	set a [support::sock -async localhost [support::port $listener]]
	fconfigure $a -blocking 0
    } -body {
	close $a $direction
	set b [support::accept $listener]
	if {$direction eq "read"} {
	    puts -nonewline $b "not read"
	    flush $b
	    puts -nonewline $a more
	    flush $a
	    list [read $b 4] [eof $b]
	} else {
	    list [read $b] [eof $b]
	}
    } -cleanup {
	support::closeAll $a $b $listener
    } -result $seen
}

test linger-5.4 {a half-close of a connection that fails is an error} -setup {
    set a [support::sock -async 127.0.0.1 [support::refusedPort]]
    fconfigure $a -blocking 0
} -body {
    # The connection may have failed already.
    catch {close $a write}
    fileevent $a readable {set ::failed 1}
    support::wait failed
    list [fconfigure $a -error] [catch {close $a}]
} -cleanup {
    support::closeAll $a
    unset -nocomplain ::failed
} -result {{connection refused} 0}

close $linger::control
