# ends.tcl --
#
#	A completed receive does not prove that there is something to read (an
#	urgent byte). A failed receive does not prove that nothing is left (a
#	reset behind data). ends.sh runs it, with peers outside Wine.
#
#	Where a reset discards unread data, fewer bytes may arrive. They must be
#	the first ones, and the end must follow them.

namespace import -force ::tcltest::*

namespace eval ends {
    variable text "34 bytes that a reset comes behind"
    variable rounds 8
    variable got
    variable peers {}
}

# ends::open --
#
#	Accepts a connection from a new peer.
#
# Arguments:
#	listener	from support::listen
#
# Results:
#	{chan peer}

proc ends::open {listener} {
    set peer [dial [support::port $listener]]
    return [list [support::accept $listener] $peer]
}

# Makes a peer connect. Commands to peers go over the core's own socket.

proc ends::dial {port} {
    variable peers
    set peer [support::coreSocket 127.0.0.1 $::env(IOCPSOCK_PEER)]
    fconfigure $peer -buffering line -translation lf
    lappend peers $peer
    peer $peer dial $port
    return $peer
}

# Makes a peer do something, and waits until it is done.

proc ends::peer {peer args} {
    puts $peer [join $args]
    if {[gets $peer answer] < 0} {
	return -code error "the peer is gone: $args"
    }
    if {[lindex $args 0] ne "recv" && $answer ne "ok"} {
	return -code error "peer: $answer"
    }
    return $answer
}

proc ends::drop {args} {
    variable peers
    support::closeAll {*}$args {*}$peers
    set peers {}
}

# Collects what a channel receives, by events, up to its end.

proc ends::collect {chan} {
    variable got
    set got($chan) ""
    fconfigure $chan -blocking 0 -translation binary
    fileevent $chan readable [list ends::Collect $chan]
}

proc ends::Collect {chan} {
    variable got
    if {[catch {read $chan} data options]} {
	set data <[lindex [dict get $options -errorcode] 1]>
	set ended 1
    } else {
	set ended [eof $chan]
    }
    append got($chan) $data
    if {$ended} {
	fileevent $chan readable {}
	append got($chan) .
    }
}

# Waits for the end. Returns the bytes received and a dot.

proc ends::awaitEnd {chan} {
    support::wait ends::got($chan) "\[string match *. \$::ends::got($chan)]"
}

# ends::isWhole --
#
#	Returns whether this is the text, or as much of it as a reset leaves.

proc ends::isWhole {said} {
    variable text
    return [expr {$said eq $text
	|| ([support::resetDiscards]
	    && [string equal -length [string length $said] $said $text])}]
}

# Repeats a script with a new connection each time. Returns its results that are
# not the text and the end.

proc ends::repeat {mode script} {
    variable rounds
    variable text
    set listener [support::listen]
    fconfigure $listener -recvmode $mode
    set wrong {}
    for {set i 0} {$i < $rounds} {incr i} {
	lassign [open $listener] chan peer
	set said [apply [list {chan peer} $script ::ends] $chan $peer]
	if {[string index $said end] ne "."
		|| ![isWhole [string range $said 0 end-1]]} {
	    lappend wrong $said
	}
	support::closeAll $chan $peer
    }
    drop $listener
    return $wrong
}

foreach {n mode} {
    1 adaptive 2 zero-byte 3 flow-controlled 4 burst-detection
} {
    test ends-1.$n "bytes before a reset are read by events, $mode" -body {
	ends::repeat $mode {
	    collect $chan
	    support::drain
	    peer $peer reset $::ends::text
	    awaitEnd $chan
	}
    } -result {}

    test ends-2.$n "bytes before a close by unread input, $mode" -body {
	ends::repeat $mode {
	    collect $chan
	    support::drain
	    puts -nonewline $chan "never read"
	    flush $chan
	    peer $peer unread $::ends::text
	    awaitEnd $chan
	}
    } -result {}

    test ends-3.$n "bytes before a reset are read by fcopy, $mode" -body {
	ends::repeat $mode {
	    fconfigure $chan -translation binary
	    set file [::open copy w+b]
	    unset -nocomplain ::copied
	    fcopy $chan $file -command {lappend ::copied}
	    support::drain
	    peer $peer reset $::ends::text
	    support::wait copied
	    seek $file 0
	    set said [read $file].
	    close $file
	    return $said
	}
    } -cleanup {
	file delete copy
    } -result {}

    test ends-4.$n "bytes before a reset are read in a thread, $mode" -setup {
	set thread [support::thread]
    } -body {
	ends::repeat $mode "
	    fconfigure \$chan -blocking 1 -translation binary -buffersize 10
	    testthread transfer $thread \$chan
	    testthread send -async $thread \"
		puts -nonewline \$chan ?
		flush \$chan
		set said \\\[read \$chan].
		close \$chan
	    \"
	    peer \$peer recv 1
	    peer \$peer send \[string range \$::ends::text 0 11]
	    peer \$peer reset \[string range \$::ends::text 12 end]
	    testthread send $thread {set said}
	"
    } -cleanup {
	support::joinThreads $thread
    } -result {}
}

test ends-5.1 {-acceptmode data: bytes before a reset cause an accept} -body {
    set listener [support::listen]
    fconfigure $listener -acceptmode data
    set wrong {}
    for {set i 0} {$i < $::ends::rounds} {incr i} {
	set peer [ends::dial [support::port $listener]]
	support::drain
	ends::peer $peer reset $::ends::text
	set chan [support::accept $listener]
	ends::collect $chan
	ends::awaitEnd $chan
	if {![ends::isWhole [string range $::ends::got($chan) 0 end-1]]} {
	    lappend wrong $::ends::got($chan)
	}
	support::closeAll $chan $peer
    }
    set wrong
} -cleanup {
    ends::drop $listener
    unset -nocomplain wrong i
} -result {}

# Collects the lines of a channel, and counts the events without any. TCP has
# one urgent mark. A second urgent byte turns the first one, if it is not yet
# passed, into an ordinary byte. Therefore the tests wait in between.

proc ends::line {chan} {
    variable lines
    if {[gets $chan line] >= 0} {
	lappend lines $line
    } elseif {[eof $chan]} {
	lappend lines <end>
	fileevent $chan readable {}
    } else {
	lappend lines <nothing>
    }
}

foreach {n mode} {
    1 adaptive 2 zero-byte 3 flow-controlled 4 burst-detection
} {
    test ends-6.$n "an urgent byte causes no event, $mode" -setup {
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	set ::ends::lines {}
	fconfigure $chan -translation lf -blocking 0
	fileevent $chan readable [list ends::line $chan]
	ends::peer $peer send {abc\n}
	ends::peer $peer urgent X
	support::wait ends::lines {"abc" in $::ends::lines}
	support::drain
	lappend ::ends::lines [dict get [fconfigure $chan -stats] events]
	ends::peer $peer send {def\n}
	support::wait ends::lines {"def" in $::ends::lines}
	ends::peer $peer urgent Y
	ends::peer $peer close
	support::wait ends::lines {"<end>" in $::ends::lines}
	set ::ends::lines
    } -cleanup {
	ends::drop $chan $listener
    } -result {abc 1 def <end>}

    test ends-7.$n "a blocking read skips an urgent byte, $mode" -setup {
	set thread [support::thread]
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	fconfigure $chan -blocking 1 -translation lf
	testthread transfer $thread $chan
	testthread send -async $thread "
	    fconfigure $chan -buffering none
	    for {set i 0} {\$i < 3} {incr i} {
		puts -nonewline $chan ?
		lappend said \[gets $chan]
	    }
	    close $chan
	"
	ends::peer $peer recv 1
	ends::peer $peer urgent X
	ends::peer $peer send {abc\n}
	ends::peer $peer recv 1
	ends::peer $peer urgent Y
	ends::peer $peer send {def\n}
	ends::peer $peer recv 1
	ends::peer $peer urgent Z
	ends::peer $peer close
	testthread send $thread {set said}
    } -cleanup {
	support::joinThreads $thread
	ends::drop $listener
    } -result {abc def {}}

    test ends-8.$n "fcopy skips an urgent byte, $mode" -setup {
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	fconfigure $chan -translation binary
	set file [open copy w+b]
	unset -nocomplain ::copied
	fcopy $chan $file -command {lappend ::copied}
	ends::peer $peer send abc
	ends::peer $peer urgent X
	support::drain
	ends::peer $peer send def
	ends::peer $peer urgent Y
	ends::peer $peer close
	support::wait copied
	seek $file 0
	list $::copied [read $file]
    } -cleanup {
	support::closeAll $file
	file delete copy
	ends::drop $chan $listener
    } -result {6 abcdef}
}

test ends-9.1 {-acceptmode data: an urgent byte causes no accept} -setup {
    set listener [support::listen]
    fconfigure $listener -acceptmode data
} -body {
    set peer [ends::dial [support::port $listener]]
    ends::peer $peer urgent X
    support::drain
    set before [fconfigure $listener -stats]
    ends::peer $peer send {abc\n}
    set chan [support::accept $listener]
    list [dict get $before waiting] [dict get $before acceptsFailed] \
	[dict get $before acceptsQueued] [gets $chan]
} -cleanup {
    ends::drop $chan $listener
    unset -nocomplain before
} -result {1 0 0 abc}

test ends-9.2 {-acceptmode data: an end behind an urgent byte is no client} \
    -setup {
	set listener [support::listen]
	fconfigure $listener -acceptmode data
    } -body {
	set peer [ends::dial [support::port $listener]]
	ends::peer $peer urgent X
	support::drain
	ends::peer $peer close
	support::until {
	    [dict get [fconfigure $listener -stats] acceptsFailed] == 1
	}
	dict get [fconfigure $listener -stats] waiting
    } -cleanup {
	ends::drop $listener
    } -result 0

# Foreign code asks Tcl for the channel's handle, and receives and sends through
# it, past the channel. The package tls does so when it is built with its fast
# path. It learns from the channel when the handle is readable.

proc ends::stranger {chan} {
    variable heard {}
    fileevent $chan readable {}
    set sock [lindex [testchantype $chan] 3]
    fileevent $chan readable [list ends::Hear $sock $chan]
    return $sock
}

proc ends::Hear {sock chan} {
    variable heard
    if {[catch {testraw recv $sock 10} bytes]} {
	append heard <$bytes>
    } elseif {$bytes eq ""} {
	append heard .
	fileevent $chan readable {}
    } else {
	append heard $bytes
    }
}

proc ends::heard {text} {
    variable heard
    support::wait ends::heard "\$::ends::heard eq {$text}"
}

foreach {n mode} {
    1 adaptive 2 zero-byte 3 flow-controlled 4 burst-detection
} {
    test ends-10.$n "foreign code can use the handle, $mode" -setup {
	package require iocpsocktest
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	fconfigure $chan -translation lf -blocking 0 -buffering none
	set ::ends::lines {}
	fileevent $chan readable [list ends::line $chan]

	# The adaptive mode reads ahead answers that arrive at once.
	foreach word {one two three} {
	    puts -nonewline $chan ?
	    ends::peer $peer recv 1
	    ends::peer $peer send "$word\\n"
	    support::wait ends::lines "\"$word\" in \$::ends::lines"
	}
	support::drain
	set before [dict get [fconfigure $chan -stats] bytesIn]
	set sock [ends::stranger $chan]
	set all ""
	foreach word {first second "a longer one than it receives at once"} {
	    ends::peer $peer send $word
	    append all $word
	    ends::heard $all
	    testraw send $sock ?
	    ends::peer $peer recv 1
	    support::drain
	}
	set stats [fconfigure $chan -stats]
	ends::peer $peer close
	ends::heard $all.
	list [expr {[dict get $stats bytesIn] - $before}] \
	    [dict get $stats recvBuffered] $::ends::lines
    } -cleanup {
	ends::drop $chan $listener
	unset -nocomplain all word stats before
    } -result {0 0 {one two three}}

    test ends-11.$n "foreign code reads bytes before a reset, $mode" -setup {
	package require iocpsocktest
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	fconfigure $chan -translation lf -blocking 0
	fileevent $chan readable [list ends::line $chan]
	support::drain
	ends::stranger $chan
	ends::peer $peer urgent X
	support::drain
	ends::peer $peer reset $::ends::text
	support::wait ends::heard {[regexp {[<.]} $::ends::heard]}
	ends::isWhole [lindex [split $::ends::heard <.] 0]
    } -cleanup {
	ends::drop $chan $listener
    } -result 1

    test ends-12.$n "Tcl reads when the handle was asked for, $mode" -setup {
	package require iocpsocktest
	set listener [support::listen]
	fconfigure $listener -recvmode $mode
    } -body {
	lassign [ends::open $listener] chan peer
	fconfigure $chan -translation lf -blocking 0
	set ::ends::lines {}
	fileevent $chan readable [list ends::line $chan]
	support::drain
	testchantype $chan
	ends::peer $peer send {abc\n}
	support::wait ends::lines {"abc" in $::ends::lines}
	support::drain
	ends::peer $peer urgent X
	support::drain
	ends::peer $peer send {def\nghi\n}
	support::wait ends::lines {"ghi" in $::ends::lines}
	ends::peer $peer close
	support::wait ends::lines {"<end>" in $::ends::lines}
	set ::ends::lines
    } -cleanup {
	ends::drop $chan $listener
    } -result {abc def ghi <end>}
}

namespace delete ends
