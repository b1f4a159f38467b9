# differentialRun.tcl --
#
#	Makes sequences for differential.tcl from a seed, and runs one with one
#	driver. differentialOps.tcl has the operations.
#
#	A sequence is a list: how the connection is made, then operations on
#	its sides a and b. Each leaves one line in the transcript. Two rules
#	make it independent of time:
#
#	- Nagle's algorithm is off. After each operation a byte goes back and
#	  forth over another connection. On loopback, earlier data has then
#	  arrived.
#	- The system says whether an event is due, and the event loop runs
#	  until it has come. For events that must not come, it runs for a few
#	  timers.
#
#	Results that TCP leaves open are made equal in both transcripts. The
#	procedures that do so say why.

namespace eval differential {
    # The current run: the socket command, the channels of both sides, what is
    # known about them, and what their handlers saw.
    variable S
    variable control {}

    variable grammar {
	14 {send SIDE SIZE}	5 {write SIDE SIZE}	4 {line SIDE}
	3 {flush SIDE}		14 {read SIDE COUNT}	8 {gets SIDE}
	6 {readall SIDE}	9 {set SIDE SETTING}	6 {get SIDE OPTION}
	5 {state SIDE}		7 {event SIDE readable READER}
	5 {event SIDE writable WRITER}	2 {unevent SIDE DIRECTION}
	10 {loop}		1 {bulk SIDE BULK}	3 {half SIDE DIRECTION}
	1 {close SIDE}		3 {reset}		1 {listen ACCEPT}
	2 {connect}		1 {odd SIDE ODD}
    }
    # What a peer that is not a channel can do, and a listener.
    variable raw {send line read readall half close reset}
    variable listener {
	write flush read gets set get state event half close odd
    }
    variable words
    array set words {
	SIDE {a a a a b b b b l}
	SIZE {0 1 2 5 20 100 500 1000 3000 4095 4096 4097}
	COUNT {0 1 2 5 20 100 1000 5000}
	BULK {5000 30000 30000 150000}
	SETTING {
	    {-blocking 0} {-blocking 0} {-blocking 0} {-blocking 1}
	    {-buffering none} {-buffering line} {-buffering full}
	    {-buffersize 10} {-buffersize 100} {-buffersize 4096}
	    {-buffersize 100000} {-translation binary} {-translation lf}
	    {-translation crlf} {-translation auto} {-translation {cr lf}}
	    {-encoding utf-8} {-encoding iso8859-1} {-eofchar k} {-eofchar {}}
	    {-keepalive 1} {-nodelay 1} {-nodelay 0} {-nodelay maybe}
	    {-peername x} {-sockname x} {-error x} {-connecting 1}
	    {-froboz 1} {-blocking maybe} {-translation {lf crlf}}
	}
	OPTION {
	    {} {} -peername -sockname -error -connecting -blocking -buffering
	    -buffersize -translation -encoding -eofchar -keepalive -nodelay
	    -froboz -p -peer -s -sock -e -err -c -conn - -k -n
	}
	READER {count gets read500 read5000 drain drain close once error nested}
	WRITER {count say say once error}
	DIRECTION {read write}
	ACCEPT {plain error closing shutting early}
	ODD {seek tell truncate eofchar pending names writeboth}
    }
    variable setups {
	pair pair pair pair pair {pair -async} sayasync raw raw rawserver
	refused refusedevents
    }
    variable eventCap 2
}

# ----------------------------------------------------------------------
# Generating. A random generator of our own makes a seed mean the same
# everywhere.

proc differential::Random {count} {
    variable random
    set random [expr {($random * 1103515245 + 12345) & 0x7fffffff}]
    return [expr {($random >> 12) % $count}]
}

proc differential::Pick {list} {
    return [lindex $list [Random [llength $list]]]
}

proc differential::Generate {seed length} {
    variable random [expr {($seed * 2654435761 + 97) & 0x7fffffff}]
    variable grammar
    variable setups
    variable sides
    # Neighbouring seeds begin alike.
    for {set i 0} {$i < 4} {incr i} {
	Random 2
    }
    set weighted {}
    foreach {weight template} $grammar {
	lappend weighted {*}[lrepeat $weight $template]
    }
    set setup [Pick $setups]
    set sides [dict create a chan b chan l none]
    switch -glob $setup {
	raw* {dict set sides b raw}
	refused* {dict set sides b none}
    }
    set sequence [list $setup]
    foreach side {a b} {
	if {[dict get $sides $side] eq "chan" && [Random 2]} {
	    lappend sequence [list set $side {-blocking 0}]
	}
    }
    set wanted [expr {$length / 2 + [Random [expr {$length + 1}]]}]
    while {[llength $sequence] <= $wanted} {
	set op [Filled [Pick $weighted]]
	if {[Makes $op]} {
	    lappend sequence $op
	}
    }
    return $sequence
}

proc differential::Filled {template} {
    variable words
    set op {}
    foreach word $template {
	if {[info exists words($word)]} {
	    set word [Pick $words($word)]
	}
	lappend op $word
    }
    return $op
}

# Returns whether an operation makes sense at this place, and keeps track of
# the sides. An operation that no longer does, because a handler has closed a
# side, does nothing.

proc differential::Makes {op} {
    variable sides
    variable raw
    variable listener
    lassign $op name side
    switch $name {
	listen {dict set sides l listener}
	connect {
	    dict set sides a chan
	    dict set sides b chan
	}
	reset {set side b}
	loop {
	    return [dict exists $sides handler]
	}
    }
    if {![dict exists $sides $side]} {
	return 1
    }
    set kind [dict get $sides $side]
    if {$kind eq "none" || ($kind eq "raw" && $name ni $raw)
	    || ($kind eq "listener" && $name ni $listener)
	    || ($kind eq "chan" && $name eq "reset")} {
	return 0
    }
    switch $name {
	close - reset {dict set sides $side none}
	event {dict set sides handler 1}
    }
    return 1
}

# ----------------------------------------------------------------------
# Running

# differential::Run --
#
#	Runs a sequence with one driver.
#
# Arguments:
#	driver		core or own
#	sequence	from Generate
#
# Results:
#	The transcript: operations and their outcomes in turn.

proc differential::Run {driver sequence} {
    variable S
    variable commands
    variable ops 0
    array unset S
    array set S {a {} b {} l {} names {} errors {}}
    set S(socket) [dict get $commands $driver]
    set S(driver) $driver
    set transcript {}
    set handler [interp bgerror {}]
    interp bgerror {} ::differential::Background
    try {
	foreach op $sequence {
	    incr ops
	    if {$ops == 1} {
		set op [linsert $op 0 setup]
	    }
	    Trace $driver $op
	    lappend transcript $op [Comparable {Altered $op [Outcome $op]}]
	    Settle
	}
	lappend transcript end [Comparable {Outcome end}]
    } finally {
	foreach side {a b l} {
	    Drop $side
	}
	interp bgerror {} $handler
    }
    return $transcript
}

proc differential::Background {message options} {
    variable S
    # By the current names. Another channel may have one of them later.
    lappend S(errors) [string map $S(names) $message]
}

# Returns the outcome of one operation, including code and errorCode.

proc differential::Outcome {op} {
    set code [catch {op.[lindex $op 0] {*}[lrange $op 1 end]} result options]
    set outcome [Same $result]
    if {$code == 1} {
	set outcome [list error $outcome \
	    [Same [dict get $options -errorcode]]]
    }
    return $outcome
}

# Returns an outcome, unless a reset may have discarded unread data. The rest
# depends on how far a driver has read ahead. The core's driver resets a
# connection more often than iocpsock (MayBeReset).

proc differential::Comparable {script} {
    set before [MayDiscard]
    set outcome [uplevel 1 $script]
    if {$before || [MayDiscard]} {
	return "perhaps behind a reset"
    }
    return $outcome
}

proc differential::MayDiscard {} {
    variable S
    if {[support::resetDiscards]} {
	foreach side {a b} {
	    if {[info exists S($side,kind)]
		    && ($S($side) eq "" || $S($side,deaf))} {
		return 1
	    }
	}
    }
    return 0
}

# Makes names and ports equal, and long results short. A checksum has no
# digits, so that no port is found in it.

proc differential::Same {text} {
    variable S
    set text [string map $S(names) $text]
    regsub -all {\msock[0-9a-fA-F]{6,}} $text CHANNEL text
    if {[string length $text] > 400} {
	set text "[string length $text] characters,\
	    [string range $text 0 20]...,\
	    [string map {0 g 1 h 2 i 3 j 4 k 5 l 6 m 7 n 8 o 9 p} \
		[zlib crc32 [encoding convertto utf-8 $text]]]"
    }
    return $text
}

# Sends a byte back and forth over the tester's own connection.

proc differential::Settle {} {
    variable control
    if {$control eq ""} {
	lassign [testraw listen] listener port
	lappend control [testraw connect $port] [testraw accept $listener]
	testraw close $listener
    }
    testraw send [lindex $control 0] x
    testraw recv [lindex $control 1] 1
    return
}

# ----------------------------------------------------------------------
# The sides

proc differential::Join {side chan kind} {
    variable S
    Drop $side
    array set S [list $side $chan $side,kind $kind $side,written 0 \
	$side,ended 0 $side,deaf 0 $side,closed 0]
    foreach name {readable writable} {
	set S($side,$name) 0
    }
    set S($side,got) {}
    if {$kind ne "raw"} {
	dict set S(names) $chan <$side>
	Name $side
	catch {
	    set S($side,id) [lindex [testchantype $chan] 3]
	    if {$kind in {chan accepted}} {
		testraw nodelay $S($side,id)
	    }
	}
    } else {
	testraw nodelay $chan
    }
    return
}

# Stores ports, so that outcomes can be made equal. A socket that is not yet
# connected has none.

proc differential::Name {side} {
    variable S
    foreach option {-sockname -peername} {
	if {![catch {lindex [fconfigure $S($side) $option] 2} port]
		&& $port ne "" && ![dict exists $S(names) $port]} {
	    lappend S(names) $port <$side$option>
	}
    }
}

proc differential::Drop {side} {
    variable S
    if {$S($side) eq ""} {
	return
    }
    if {$S($side,kind) eq "raw"} {
	testraw close $S($side)
    } else {
	catch {fconfigure $S($side) -blocking 0}
	catch {close $S($side)}
    }
    set S($side) {}
}

# The name of a closed channel may be used again.

proc differential::Forget {side} {
    variable S
    if {$S($side) ne "" && ![IsRaw $side] && $S($side) ni [chan names]} {
	set S($side) {}
    }
}

proc differential::Peer {side} {
    return [dict get {a b b a l l} $side]
}

proc differential::IsChan {side} {
    variable S
    return [expr {$S($side) ne "" && $S($side,kind) ne "raw"}]
}

proc differential::IsRaw {side} {
    variable S
    return [expr {$S($side) ne "" && $S($side,kind) eq "raw"}]
}

# The outcome of operations whose side no longer exists.

proc differential::Chan {side} {
    variable S
    if {![IsChan $side]} {
	return -level 2 none
    }
    return $S($side)
}

# Returns whether a side has ended or does not exist, so that nothing arrives.

proc differential::Ended {side} {
    variable S
    return [expr {$S($side) eq "" || $S($side,ended)}]
}

# The other side was closed, perhaps with unread input. The core's driver then
# resets the connection; iocpsock reads and discards the input.

proc differential::MayBeReset {side} {
    variable S
    return [expr {$S([Peer $side]) eq ""}]
}

# A blocking read must be satisfied: it needs whole lines of any kind from the
# peer, unless the end of file comes anyway.

proc differential::Feed {side chars} {
    variable S
    set peer [Peer $side]
    if {![fconfigure $S($side) -blocking] || [Ended $peer]
	    || $S($side,kind) ni {chan accepted}} {
	return
    }
    set text [string repeat "fed" [expr {$chars / 3 + 1}]]\r\n\n\r\n
    if {$S($peer,kind) eq "raw"} {
	testraw send $S($peer) $text
    } else {
	catch {
	    puts -nonewline $S($peer) $text
	    flush $S($peer)
	}
    }
    Settle
}

# TCP leaves open whether data for a peer that has left is lost or refused, by
# which call, and with which of these errors. Tcl's `close $chan write` has no
# message and no code for any.

proc differential::Sent {side script} {
    variable S
    if {![Ended [Peer $side]] && !$S([Peer $side],deaf)
	    || $S($side,kind) eq "failed"} {
	return [uplevel 1 $script]
    }
    set code [catch {uplevel 1 $script} result options]
    if {$code == 0 || $result eq ""
	    || [lindex [dict get $options -errorcode] 1] in
	    {ECONNRESET EPIPE ECONNABORTED ENOTCONN}} {
	return "sent or refused"
    }
    return -options $options $result
}

# Text that line-based and binary readers can read in all encodings.

proc differential::Text {side size} {
    variable S
    set text {}
    while {[string length $text] < $size} {
	append text [format "%s%d %s\n" $side [incr S($side,written)] \
	    [string repeat "h\u00e9j" [expr {$S($side,written) % 9}]]]
    }
    return [string range $text 0 [expr {$size - 1}]]
}
