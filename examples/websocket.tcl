# websocket.tcl --
#
#	A WebSocket server (RFC 6455) in plain Tcl, without further packages. It
#	sends each message back to its sender.
#
#	    tclsh websocket.tcl -port 7010
#
#	-maxmessage BYTES	1048576: a longer message ends the connection
#	-maxclients NUMBER	200: further clients are disconnected
#	-timeout MS		10000: for the handshake to arrive, and for a
#				client to close after the server's close frame
#	-messagetimeout MS	60000: for a message to arrive completely once
#				it has begun
#
#	program.tcl describes the other options. In a browser:
#
#	    ws = new WebSocket("ws://127.0.0.1:7010/")
#	    ws.onmessage = e => console.log(e.data); ws.send("hello")
#
#	It does everything that a server must do: handshake, text and binary
#	messages in one or more frames, ping and close. A client that violates
#	the protocol gets a close frame with the reason (the codes of section
#	7.4.1). The server stops reading from a client that does not read its
#	answers; the client stays connected and counts for -maxclients. A server
#	that does more than echo should check the Origin field, because pages of
#	any site can connect to it.

source [file join [file dirname [info script]] program.tcl]

# The longest handshake; how many bytes may wait to be sent to a client before
# the server stops reading from it; and how many of its frames are handled
# before others have their turn.
set maxHead 8192
set backlog 262144
set framesPerTurn 16

# By channel: bytes that were received and are not used yet; opcode and content
# of a message that is not complete yet; the timer of the client's deadline, and
# the timer of its next turn.
array set buffer {}
array set kind {}
array set message {}
array set timer {}
array set turn {}

proc accept {chan address port} {
    global buffer options timer turn
    if {[program::connections] > [dict get $options -maxclients]} {
        program::drop $chan
        return
    }
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    set buffer($chan) ""
    set turn($chan) ""
    set timer($chan) ""
    allow $chan -timeout [list finish $chan program::drop]
    fileevent $chan readable [list receive $chan shake]
}

# Sets the client's deadline to the time of the option, and the script that runs
# if it is missed.

proc allow {chan option script} {
    global options timer
    after cancel $timer($chan)
    set timer($chan) [after [dict get $options $option] $script]
}

proc finish {chan {how close}} {
    global buffer kind message timer turn
    after cancel $timer($chan)
    after cancel $turn($chan)
    unset buffer($chan) timer($chan) turn($chan)
    unset -nocomplain kind($chan) message($chan)
    catch {$how $chan}
}

# Reads the input, and calls "shake", "frames" or "ignore".

proc receive {chan use} {
    global buffer
    if {[catch {append buffer($chan) [read $chan 65536]}] || [eof $chan]} {
        finish $chan
        return
    }
    try {
        $use $chan
    } trap WEBSOCKET {reason details} {
        stop $chan [lindex [dict get $details -errorcode] 1] $reason
    } trap POSIX {} {
        finish $chan
    }
}

proc send {chan bytes} {
    puts -nonewline $chan $bytes
    flush $chan
}

#
# The handshake.
#

proc shake {chan} {
    global buffer maxHead
    set end [string first \r\n\r\n $buffer($chan)]
    if {$end < 0 && [string length $buffer($chan)] <= $maxHead} {
        return
    }
    if {$end < 0 || $end > $maxHead} {
        part $chan [join {"HTTP/1.1 431 Request Header Fields Too Large"
            "Connection: close" "Content-Length: 0" "" ""} \r\n]
        return
    }
    set head [string range $buffer($chan) 0 $end-1]
    set buffer($chan) [string range $buffer($chan) $end+4 end]
    set key [acceptKey $head]
    if {$key eq ""} {
        part $chan [join {"HTTP/1.1 426 Upgrade Required"
            "Upgrade: websocket" "Connection: Upgrade, close"
            "Sec-WebSocket-Version: 13" "Content-Length: 0" "" ""} \r\n]
        return
    }
    watch $chan 0
    send $chan [join [list "HTTP/1.1 101 Switching Protocols" \
        "Upgrade: websocket" "Connection: Upgrade" \
        "Sec-WebSocket-Accept: $key" "" ""] \r\n]
    fileevent $chan readable [list receive $chan frames]
    frames $chan
}

# Returns the answer to a handshake's key, or nothing if this is no handshake.

proc acceptKey {head} {
    set lines [lassign [split [string map {\r\n \n} $head] \n] request]
    set fields {}
    foreach line $lines {
        set colon [string first : $line]
        if {$colon < 0} {
            return ""
        }
        dict lappend fields [string tolower [string range $line 0 $colon-1]] \
            [string trim [string range $line $colon+1 end]]
    }
    foreach {name pattern} {
        host {\S}
        upgrade {(?i)^websocket$}
        connection {(?i)(?:^|,)\s*upgrade\s*(?:,|$)}
        sec-websocket-version {^13$}
        sec-websocket-key {^[A-Za-z0-9+/]{22}==$}
    } {
        if {![dict exists $fields $name] || ![regexp $pattern \
                [join [dict get $fields $name] ,]]} {
            return
        }
    }
    if {![regexp {^GET /\S* HTTP/1\.1$} $request]} {
        return
    }
    set key [lindex [dict get $fields sec-websocket-key] 0]
    binary encode base64 [sha1 ${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11]
}

# SHA-1 (FIPS 180-4), which Tcl lacks. Good enough for short strings.

proc sha1 {bytes} {
    set length [string length $bytes]
    set fill [expr {(119 - $length % 64) % 64}]
    append bytes \x80 [string repeat \0 $fill] \
        [binary format W [expr {8 * $length}]]
    set state {0x67452301 0xefcdab89 0x98badcfe 0x10325476 0xc3d2e1f0}
    binary scan $bytes Iu* words
    for {set at 0} {$at < [llength $words]} {incr at 16} {
        set w [lrange $words $at $at+15]
        for {set i 16} {$i < 80} {incr i} {
            lappend w [rotate [expr {[lindex $w $i-3] ^ [lindex $w $i-8]
                ^ [lindex $w $i-14] ^ [lindex $w $i-16]}] 1]
        }
        lassign $state a b c d e
        for {set i 0} {$i < 80} {incr i} {
            lassign [switch [expr {$i / 20}] {
                0 { list [expr {$b & $c | ~$b & $d}] 0x5a827999 }
                1 { list [expr {$b ^ $c ^ $d}] 0x6ed9eba1 }
                2 { list [expr {$b & $c | $b & $d | $c & $d}] 0x8f1bbcdc }
                3 { list [expr {$b ^ $c ^ $d}] 0xca62c1d6 }
            }] f k
            set next [expr {([rotate $a 5] + $f + $e + $k + [lindex $w $i])
                & 0xffffffff}]
            set e $d
            set d $c
            set c [rotate $b 30]
            set b $a
            set a $next
        }
        set state [lmap old $state new [list $a $b $c $d $e] {
            expr {($old + $new) & 0xffffffff}
        }]
    }
    binary format I5 $state
}

proc rotate {word bits} {
    expr {($word << $bits | $word >> (32 - $bits)) & 0xffffffff}
}

#
# Frames.
#

# Handles complete frames, until too many answers wait to be sent or others
# should have their turn.

proc frames {chan} {
    global buffer kind backlog framesPerTurn turn
    for {set count 0} {[info exists buffer($chan)]} {incr count} {
        if {[chan pending output $chan] > $backlog} {
            watch $chan 0
            fileevent $chan readable {}
            fileevent $chan writable [list resume $chan]
            return
        }
        if {$count == $framesPerTurn} {
            fileevent $chan readable {}
            set turn($chan) [after 0 [list resume $chan]]
            return
        }
        set frame [nextFrame $chan]
        if {$frame eq ""} {
            watch $chan [expr {$buffer($chan) ne ""
                || [info exists kind($chan)]}]
            return
        }
        handle $chan {*}$frame
        if {[info exists buffer($chan)] && ![info exists kind($chan)]} {
            watch $chan 0
        }
    }
}

# Starts or stops the deadline of a message that has begun. Further frames of
# the message do not extend it. It stops while the server does not read from
# the client, because the client cannot complete the message then.

proc watch {chan begun} {
    global timer
    if {!$begun} {
        after cancel $timer($chan)
        set timer($chan) ""
    } elseif {$timer($chan) eq ""} {
        allow $chan -messagetimeout \
            [list stop $chan 1008 "the message takes too long"]
    }
}

proc resume {chan} {
    fileevent $chan writable {}
    fileevent $chan readable [list receive $chan frames]
    try {
        frames $chan
    } trap WEBSOCKET {reason details} {
        stop $chan [lindex [dict get $details -errorcode] 1] $reason
    } trap POSIX {} {
        finish $chan
    }
}

proc refuse {code reason} {
    throw [list WEBSOCKET $code] $reason
}

# Returns the next frame as a list: whether it is the last of its message, its
# opcode and its bytes. The list is empty if it has not arrived completely.

proc nextFrame {chan} {
    global buffer message options
    if {[binary scan $buffer($chan) cucu first second] < 2} {
        return
    }
    set final [expr {$first >> 7}]
    set opcode [expr {$first & 15}]
    set length [expr {$second & 127}]
    if {$first & 0x70 || $opcode ni {0 1 2 8 9 10}} {
        refuse 1002 "no such frame"
    } elseif {!($second & 128)} {
        refuse 1002 "not masked"
    } elseif {$opcode >= 8 && ($length > 125 || !$final)} {
        refuse 1002 "a control frame of more than one part"
    }
    set at 2
    if {$length == 126} {
        if {[binary scan $buffer($chan) x2Su length] < 1} {
            return
        }
        set at 4
    } elseif {$length == 127} {
        if {[binary scan $buffer($chan) x2Wu length] < 1} {
            return
        }
        set at 10
    }
    set before 0
    if {$opcode == 0 && [info exists message($chan)]} {
        set before [string length $message($chan)]
    }
    if {$before + $length > [dict get $options -maxmessage]} {
        refuse 1009 "the message is too long"
    }
    set end [expr {$at + 4 + $length}]
    if {[string length $buffer($chan)] < $end} {
        return
    }
    set payload [unmask [string range $buffer($chan) $at $end-1]]
    set buffer($chan) [string range $buffer($chan) $end end]
    return [list $final $opcode $payload]
}

# The first four bytes are the mask, which is applied repeatedly to the others.

proc unmask {bytes} {
    set length [expr {[string length $bytes] - 4}]
    append bytes \0\0\0
    binary scan $bytes IIu* mask words
    set mask [expr {$mask & 0xffffffff}]
    string range [binary format I* [lmap word $words {
        expr {$word ^ $mask}
    }]] 0 $length-1
}

proc handle {chan final opcode payload} {
    global kind message
    switch $opcode {
        8 { closed $chan $payload }
        9 { send $chan [frame 10 $payload] }
        10 { # An answer to a ping that was never sent. }
        0 {
            if {![info exists kind($chan)]} {
                refuse 1002 "nothing to be continued"
            }
            append message($chan) $payload
        }
        default {
            if {[info exists kind($chan)]} {
                refuse 1002 "the last message is not complete"
            }
            set kind($chan) $opcode
            set message($chan) $payload
        }
    }
    if {$opcode < 8 && $final} {
        set whole $message($chan)
        set opcode $kind($chan)
        unset kind($chan) message($chan)
        if {$opcode == 1} {
            checkText $whole
        }
        send $chan [frame $opcode $whole]
    }
}

# Refuses a text that is not UTF-8 (RFC 3629). Tcl's own decoder accepts more or
# less than that, depending on its version.

proc checkText {bytes} {
    global utf8
    if {![regexp $utf8 $bytes]} {
        refuse 1007 "not UTF-8"
    }
}

set utf8 [string map {> {[\u0080-\u00bf]}} {(?x)^(?: [\u0000-\u007f]
    | [\u00c2-\u00df] >
    | \u00e0 [\u00a0-\u00bf] > | \u00ed [\u0080-\u009f] >
    | [\u00e1-\u00ec\u00ee\u00ef] > >
    | \u00f0 [\u0090-\u00bf] > > | \u00f4 [\u0080-\u008f] > >
    | [\u00f1-\u00f3] > > > )*$}]

proc frame {opcode payload} {
    set length [string length $payload]
    set first [expr {128 | $opcode}]
    if {$length < 126} {
        return [binary format cc $first $length]$payload
    } elseif {$length < 65536} {
        return [binary format ccS $first 126 $length]$payload
    }
    return [binary format ccW $first 127 $length]$payload
}

# Handles a close frame: the answer repeats the client's code.

proc closed {chan payload} {
    if {[string length $payload] == 1} {
        refuse 1002 "half a code"
    } elseif {$payload ne ""} {
        binary scan $payload Su code
        if {!($code in {1000 1001 1002 1003 1007 1008 1009 1010 1011 1012 1013
                1014} || $code >= 3000 && $code < 5000)} {
            refuse 1002 "no such code"
        }
        checkText [string range $payload 2 end]
        set payload [string range $payload 0 1]
    }
    send $chan [frame 8 $payload]
    finish $chan
}

# Ends the connection with a close frame that gives the reason.

proc stop {chan code reason} {
    part $chan [frame 8 [binary format S $code]$reason]
}

# Sends the last bytes of the connection. The client may still be sending, so
# the client closes first, within -timeout.

proc part {chan bytes} {
    global buffer kind message turn
    if {[catch {
        fileevent $chan writable {}
        send $chan $bytes
        close $chan write
    }]} {
        finish $chan
        return
    }
    set buffer($chan) ""
    unset -nocomplain kind($chan) message($chan)
    after cancel $turn($chan)
    allow $chan -timeout [list finish $chan program::drop]
    fileevent $chan readable [list receive $chan ignore]
}

proc ignore {chan} {
    global buffer
    set buffer($chan) ""
}

set options [program::options websocket \
    {-port 7010 -maxmessage 1048576 -maxclients 200 -timeout 10000
    -messagetimeout 60000}]
set listener [program::listen accept]
# Accepted sockets inherit this, where the option is known.
catch {fconfigure $listener -nodelay 1}
program::wait
