# peerUnreachable.tcl --
#
#	A peer becomes unreachable without closing its connections, as when its
#	cable is pulled. peerUnreachable.sh has made the link and shortened the
#	system's timeouts.

namespace import ::tcltest::*

namespace eval unreachable {
    # The end that the handler of each channel has seen.
    variable seen
    array set seen {}
}

proc unreachable::open {args} {
    set chan [support::sock {*}$args {*}$::env(IOCPSOCK_PEER)]
    fconfigure $chan -translation binary -blocking 0
    return $chan
}

# Stores the end that a reader sees: the POSIX error, or eof.

proc unreachable::watch {chan} {
    variable seen
    set seen($chan) {}
    fileevent $chan readable [list apply {chan {
	variable seen
	if {[catch {read $chan} data options]} {
	    set seen($chan) [lrange [dict get $options -errorcode] 0 1]
	} elseif {[eof $chan]} {
	    set seen($chan) eof
	}
	if {$seen($chan) ne ""} {
	    fileevent $chan readable {}
	}
    } ::unreachable} $chan]
}

proc unreachable::end {chan} {
    support::wait ::unreachable::seen($chan) \
	"\$::unreachable::seen($chan) ne {}" 20000
    return $::unreachable::seen($chan)
}

proc unreachable::writable {chan} {
    fileevent $chan writable [list apply {{chan} {
	if {[catch {puts -nonewline $chan [string repeat x 65536]} m options]} {
	    set ::unreachable::wrote [lrange [dict get $options -errorcode] 0 1]
	    fileevent $chan writable {}
	}
    } ::} $chan]
}

# Exchanges a byte, so that both ends know of the connection.

proc unreachable::round {chan} {
    fconfigure $chan -blocking 1
    puts -nonewline $chan x
    flush $chan
    read $chan 1
    fconfigure $chan -blocking 0
}

# The errors for a peer that does not acknowledge. The system may also have lost
# the route to it.

set gone {POSIX (ETIMEDOUT|EHOSTUNREACH|ECONNRESET)}

# All tests share one link, which goes down before the first.

foreach name {idle forgotten watched writer closed blocking} {
    set $name [unreachable::open]
    unreachable::round [set $name]
}
fconfigure $idle -keepalive 1
fconfigure $watched -keepalive 1 -recvmode flow-controlled
set ::unreachable::wrote {}
foreach name {idle forgotten watched} {
    unreachable::watch [set $name]
}
set cutter [unreachable::open]
unreachable::writable $writer
puts $cutter vanish
flush $cutter

test peerUnreachable-1.1 {-keepalive ends an idle connection} -body {
    unreachable::end $idle
} -result {POSIX ETIMEDOUT}

test peerUnreachable-1.2 {-keepalive ends a connection with a receive in a\
        buffer} \
-body {
    unreachable::end $watched
} -result {POSIX ETIMEDOUT}

test peerUnreachable-1.3 {without -keepalive an idle connection stays} -body {
    list $::unreachable::seen($forgotten) [fconfigure $forgotten -error]
} -result {{} {}}

test peerUnreachable-2.1 {waiting writes end with an error} -body {
    support::wait ::unreachable::wrote {$::unreachable::wrote ne ""} 20000
    set ::unreachable::wrote
} -match regexp -result $gone

test peerUnreachable-2.2 {a channel with waiting writes closes, and leaves\
        nothing} \
-body {
    catch {close $writer}
    catch {close $idle}
    catch {close $watched}
    dict get [iocpsock::stats] bufferBytes
} -result 0

test peerUnreachable-2.3 {a close leaves sent bytes to the system, which gives\
        up later} \
-body {
    puts -nonewline $closed "nobody will read this"
    close $closed
    support::until {[dict get [iocpsock::stats] connections] == 3}
    dict get [iocpsock::stats] operations
} -result 1

test peerUnreachable-2.4 {a blocking read ends with an error} -body {
    fconfigure $blocking -blocking 1
    puts -nonewline $blocking x
    flush $blocking
    list [catch {read $blocking 1} message options] \
	[lrange [dict get $options -errorcode] 0 1]
} -cleanup {
    catch {close $blocking}
    unset message options
} -match regexp -result $gone

test peerUnreachable-3.1 {connecting with -async times out} -body {
    set chan [unreachable::open -async]
    fileevent $chan writable [list set ::unreachable::ready 1]
    support::wait ::unreachable::ready 1 20000
    fconfigure $chan -error
} -cleanup {
    close $chan
} -match regexp -result {timed|unreachable|no route}

test peerUnreachable-3.2 {connecting in blocking mode times out} -body {
    lindex [support::outcome {unreachable::open}] 2 1
} -match regexp -result {ETIMEDOUT|EHOSTUNREACH}

test peerUnreachable-4.1 {nothing is left} -body {
    close $cutter
    close $forgotten
    lsort -unique [dict values [support::zeroStats]]
} -result 0
