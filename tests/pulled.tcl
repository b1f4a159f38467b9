# pulled.tcl --
#
#	A peer that vanishes without a word, as when its cable is pulled: run by
#	pulled.sh, which has made the cable and shortened the system's times.

namespace import ::tcltest::*

namespace eval pulled {
    # What handlers have seen, by channel.
    variable seen
    array set seen {}
}

proc pulled::open {args} {
    set chan [support::sock {*}$args {*}$::env(IOCPSOCK_PEER)]
    fconfigure $chan -translation binary -blocking 0
    return $chan
}

# The end that a reader sees: the POSIX error, or eof.

proc pulled::watch {chan} {
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
    } ::pulled} $chan]
}

proc pulled::end {chan} {
    support::wait ::pulled::seen($chan) "\$::pulled::seen($chan) ne {}" 20000
    return $::pulled::seen($chan)
}

proc pulled::writable {chan} {
    fileevent $chan writable [list apply {{chan} {
	if {[catch {puts -nonewline $chan [string repeat x 65536]} m options]} {
	    set ::pulled::wrote [lrange [dict get $options -errorcode] 0 1]
	    fileevent $chan writable {}
	}
    } ::} $chan]
}

# A round, so that both ends know of the connection.

proc pulled::round {chan} {
    fconfigure $chan -blocking 1
    puts -nonewline $chan x
    flush $chan
    read $chan 1
    fconfigure $chan -blocking 0
}

# What the system says of a peer that does not acknowledge: by then it may have
# lost the way to it, too.

set gone {POSIX (ETIMEDOUT|EHOSTUNREACH|ECONNRESET)}

# All tests are about one cable, which is pulled before the first.

foreach name {idle forgotten watched writer closed blocking} {
    set $name [pulled::open]
    pulled::round [set $name]
}
fconfigure $idle -keepalive 1
fconfigure $watched -keepalive 1 -recvmode flow-controlled
set ::pulled::wrote {}
foreach name {idle forgotten watched} {
    pulled::watch [set $name]
}
set cutter [pulled::open]
pulled::writable $writer
puts $cutter pull
flush $cutter

test pulled-1.1 {-keepalive ends an idle connection} -body {
    pulled::end $idle
} -result {POSIX ETIMEDOUT}

test pulled-1.2 {...and one with a posted receive} -body {
    pulled::end $watched
} -result {POSIX ETIMEDOUT}

test pulled-1.3 {without it nothing happens} -body {
    list $::pulled::seen($forgotten) [fconfigure $forgotten -error]
} -result {{} {}}

test pulled-2.1 {writes that wait end with an error} -body {
    support::wait ::pulled::wrote {$::pulled::wrote ne ""} 20000
    set ::pulled::wrote
} -match regexp -result $gone

test pulled-2.2 {...and their channel closes, with nothing left of it} -body {
    catch {close $writer}
    catch {close $idle}
    catch {close $watched}
    dict get [iocpsock::stats] bufferBytes
} -result 0

test pulled-2.3 {what the system has taken is given up by it later} -body {
    puts -nonewline $closed "nobody will read this"
    close $closed
    support::until {[dict get [iocpsock::stats] connections] == 3}
    dict get [iocpsock::stats] operations
} -result 1

test pulled-2.4 {a blocking read of an answer ends with an error} -body {
    fconfigure $blocking -blocking 1
    puts -nonewline $blocking x
    flush $blocking
    list [catch {read $blocking 1} message options] \
	[lrange [dict get $options -errorcode] 0 1]
} -cleanup {
    catch {close $blocking}
    unset message options
} -match regexp -result $gone

test pulled-3.1 {connecting to it times out, by events} -body {
    set chan [pulled::open -async]
    fileevent $chan writable [list set ::pulled::ready 1]
    support::wait ::pulled::ready 1 20000
    fconfigure $chan -error
} -cleanup {
    close $chan
} -match regexp -result {timed|unreachable|no route}

test pulled-3.2 {...and blocking} -body {
    lindex [support::outcome {pulled::open}] 2 1
} -match regexp -result {ETIMEDOUT|EHOSTUNREACH}

test pulled-4.1 {nothing is left over} -body {
    close $cutter
    close $forgotten
    lsort -unique [dict values [support::zeroStats]]
} -result 0

