# supportStream.tcl --
#
#	Bulk data for the suites; support.tcl sources this file. Each byte of
#	a stream depends on its position and on the number of the stream. The
#	pattern's period differs from every buffer size, so a byte that is
#	lost, repeated, out of order or from another connection is noticed.

namespace eval support {
    variable stream
}

# support::pattern --
#
#	Results:
#	length bytes of a stream from the given offset.

proc support::pattern {offset length {streamId 0}} {
    variable period
    variable bytes
    if {![info exists bytes]} {
	MakePattern
    }
    set from [expr {($offset + 7919 * $streamId) % $period}]
    while {$from + $length > [string length $bytes]} {
	append bytes $bytes
    }
    return [string range $bytes $from [expr {$from + $length - 1}]]
}

# The length of "bytes" is a multiple of the period, so appending the string to
# itself continues the pattern.

proc support::MakePattern {} {
    variable period 100003
    variable bytes
    set words {}
    set x 12345
    for {set i 0} {$i < $period} {incr i 3} {
	set x [expr {($x * 1103515245 + 12345) & 0x7fffffff}]
	lappend words [expr {$x >> 7}]
    }
    set bytes {}
    foreach word $words {
	append raw [binary format c3 [list $word \
	    [expr {$word >> 8}] [expr {$word >> 16}]]]
    }
    append bytes [string range $raw 0 [expr {$period - 1}]]
    while {[string length $bytes] < 2000000} {
	append bytes $bytes
    }
}

# support::streamNew, support::streamCheck, support::streamCount --
#
#	A checker of received data. streamNew returns its name. streamCheck
#	takes the next piece and returns its length; at the first wrong byte
#	it raises an error that says where the bytes found there belong.
#	streamCount returns the number of bytes checked so far.

proc support::streamNew {{streamId 0}} {
    variable stream
    variable serial
    set token s[incr serial]
    set stream($token) [list $streamId 0]
    return $token
}

proc support::streamCheck {token data} {
    variable stream
    lassign $stream($token) streamId offset
    set length [string length $data]
    if {$data ne [pattern $offset $length $streamId]} {
	return -code error [Mismatch $streamId $offset $data]
    }
    lset stream($token) 1 [expr {$offset + $length}]
    return $length
}

proc support::streamCount {token} {
    variable stream
    return [lindex $stream($token) 1]
}

proc support::Mismatch {streamId offset data} {
    variable period
    set length [string length $data]
    set want [pattern $offset $length $streamId]
    for {set i 0} {$i < $length} {incr i} {
	if {[string index $data $i] ne [string index $want $i]} {
	    break
	}
    }
    set message "stream $streamId is wrong at byte [expr {$offset + $i}]"
    set sample [string range $data $i [expr {$i + 15}]]
    set at [string first $sample [pattern [expr {$offset + $i}] \
	[expr {$period + 16}] $streamId]]
    if {$at > 0} {
	append message ": the next bytes belong $at bytes later\
	    or [expr {$period - $at}] earlier"
    } else {
	append message ": the next bytes are not part of this stream"
    }
    return $message
}

# support::sendPattern --
#
#	Sends bytes of a stream from a writable handler, one chunk for each
#	event. The script runs when the channel has all of them (default:
#	close the channel).

proc support::sendPattern {chan total {chunk 65536} {streamId 0} {done {}}} {
    if {$done eq ""} {
	set done [list close $chan]
    }
    fileevent $chan writable \
	[list ::support::SendMore $chan 0 $total $chunk $streamId $done]
}

proc support::SendMore {chan offset total chunk streamId done} {
    set n [expr {min($chunk, $total - $offset)}]
    puts -nonewline $chan [pattern $offset $n $streamId]
    incr offset $n
    if {$offset >= $total} {
	fileevent $chan writable {}
	uplevel #0 $done
    } else {
	fileevent $chan writable \
	    [list ::support::SendMore $chan $offset $total $chunk $streamId \
		$done]
    }
}

# support::fill --
#
#	Writes bytes of a stream to a non-blocking channel until neither the
#	system nor the driver takes more and Tcl itself has to keep some. The
#	limit ends the loop if a broken driver accepts everything.
#
# Results:
#	The number of bytes written.

proc support::fill {chan {limitBytes 100000000}} {
    set total 0
    while {[chan pending output $chan] == 0 && $total < $limitBytes} {
	puts -nonewline $chan [pattern $total 65536]
	incr total 65536
    }
    return $total
}

# support::receivePattern --
#
#	Checks a stream in a readable handler until end of file, in pieces of
#	at most chunk bytes. Then the global variable is set to the number of
#	correct bytes, or to the error message, and the channel is closed
#	unless the last argument is "keep".

proc support::receivePattern {
    chan varName {streamId 0} {chunk 65536} {keep {}}
} {
    fconfigure $chan -blocking 0
    set token [streamNew $streamId]
    fileevent $chan readable \
	[list ::support::ReceiveMore $chan $varName $token $chunk $keep]
}

proc support::ReceiveMore {chan varName token chunk keep} {
    set failed [catch {
	streamCheck $token [read $chan $chunk]
	eof $chan
    } ended]
    if {$failed || $ended} {
	fileevent $chan readable {}
	if {$keep ne "keep"} {
	    close $chan
	}
	set ::$varName [expr {$failed ? $ended : [streamCount $token]}]
    }
}

# support::received --
#
#	Receives and checks a stream until end of file. The arguments are
#	those of support::receivePattern without the variable.
#
# Results:
#	The number of correct bytes, or the error message.

proc support::received {chan args} {
    variable received
    variable serial
    set id [incr serial]
    receivePattern $chan ::support::received($id) {*}$args
    set result [wait ::support::received($id)]
    unset received($id)
    return $result
}
