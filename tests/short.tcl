# short.tcl --
#
#	If the system carries out a send only in part, its rest must not be
#	lost. Under Wine 8 this happens when the client ends its sending side:
#	outstanding sends then complete. The clients read late. short.sh runs
#	it, with clients outside Wine (shortPeer.pl).

namespace import -force ::tcltest::*

namespace eval short {
    variable size 270000
    variable bytes ""
    variable result
    variable lateMs 700
}

proc short::Lines {size} {
    set lines {}
    for {set i 0} {$i < $size / 9} {incr i} {
	lappend lines [format %08d $i]
    }
    return [join $lines \n]\n
}
set short::bytes [short::Lines $short::size]
set short::name [tcltest::makeFile {} short.bin]
set chan [open $short::name wb]
puts -nonewline $chan $short::bytes
close $chan

# short::open --
#
#	Accepts a connection from a new client, with a small send buffer.
#	Returns {chan control}; control is the line to the client.

proc short::open {sndbuf blocking} {
    variable listener [support::listen]
    fconfigure $listener -sosndbuf $sndbuf
    set control [support::coreSocket 127.0.0.1 $::env(IOCPSOCK_PEER)]
    fconfigure $control -buffering line -translation lf
    tell $control dial [support::port $listener]
    set chan [support::accept $listener]
    fconfigure $chan -translation binary -blocking 1
    gets $chan
    fconfigure $chan -blocking $blocking
    return [list $chan $control]
}

proc short::tell {control args} {
    puts $control $args
    if {[gets $control] ne "ok"} {
	return -code error "no client: $args"
    }
}

# Makes the client read, late. An event brings its report.

proc short::ask {control ms} {
    variable result
    unset -nocomplain result
    puts $control "read $ms"
    fconfigure $control -blocking 0
    fileevent $control readable [list ::short::answer $control]
}

proc short::answer {control} {
    variable result
    if {[gets $control line] >= 0 || [eof $control]} {
	fileevent $control readable {}
	set result $line
    }
}

# Waits for the end of the client's side.

proc short::end {chan} {
    support::until {[read $chan 1] eq "" && [eof $chan]}
}

proc short::put {chan way} {
    variable bytes
    variable name
    switch $way {
	puts {
	    puts -nonewline $chan $bytes
	    flush $chan
	}
	fcopy {
	    set in [::open $name rb]
	    fcopy $in $chan -command [list ::short::Copied $in]
	    support::wait ::short::copied
	    unset ::short::copied
	}
	sendfile {
	    iocpsock::sendfile $chan $name -command ::short::sent
	}
    }
}

proc short::sent {args} {}

proc short::Copied {in args} {
    close $in
    set ::short::copied $args
}

# Waits until nothing is left to send. Returns the driver's count of bytes.

proc short::drained {chan} {
    support::until {[chan pending output $chan] == 0
	&& [dict get [fconfigure $chan -stats] sendBuffered] == 0
	&& [dict get [fconfigure $chan -stats] sendPending] == 0}
    return [dict get [fconfigure $chan -stats] bytesOut]
}

# ----------------------------------------------------------------------
# The client ends its side before anything is sent. The driver asks Wine about
# its sockets four times a second (win/cpWineWin.c). The client waits longer
# than that.

set n 0
foreach sndbuf {4096 16384} {
    foreach way {puts fcopy sendfile} {
	foreach blocking {0 1} {
	    foreach end {close wait} {
		incr n
		test short-1.$n "ended before: $way, -sosndbuf $sndbuf,\
			-blocking $blocking, $end" -setup {
		    lassign [short::open $sndbuf $blocking] chan control
		} -body {
		    short::tell $control shut
		    short::end $chan
		    set left {}
		    short::ask $control $short::lateMs
		    short::put $chan $way
		    if {$end eq "wait"} {
			lappend left [short::drained $chan]
		    }
		    close $chan
		    support::wait ::short::result
		    list {*}$left $short::result
		} -cleanup {
		    support::closeAll $chan $control $short::listener
		} -result [list {*}[expr {$end eq "wait" ? $short::size : ""}] \
		    "$short::size eof right"]
	    }
	}
    }
}

# ----------------------------------------------------------------------
# The client ends its side while sends are outstanding, and a receive of the
# channel sees that.

set n 0
foreach sndbuf {4096 16384} {
    foreach way {puts sendfile} {
	foreach end {close wait} {
	    incr n
	    test short-2.$n "ended meanwhile: $way, -sosndbuf $sndbuf,\
		    $end" -setup {
		lassign [short::open $sndbuf 0] chan control
	    } -body {
		set ::short::seen 0
		fileevent $chan readable [list apply {{chan} {
		    read $chan
		    if {[eof $chan]} {
			fileevent $chan readable {}
			set ::short::seen 1
		    }
		}} $chan]
		short::put $chan $way
		# Now the receive is submitted.
		support::drain
		short::tell $control shut
		support::wait ::short::seen {$::short::seen}
		short::ask $control 0
		set left {}
		if {$end eq "wait"} {
		    lappend left [short::drained $chan]
		}
		close $chan
		support::wait ::short::result
		list {*}$left $short::result
	    } -cleanup {
		support::closeAll $chan $control $short::listener
	    } -result [list {*}[expr {$end eq "wait" ? $short::size : ""}] \
		"$short::size eof right"]
	}
    }
}

test short-3.1 {a closing channel with sends outstanding delivers everything} \
-setup {
    lassign [short::open 4096 0] chan control
} -body {
    short::put $chan puts
    close $chan
    # The close reads, to discard input, and sees the end.
    short::tell $control shut
    short::ask $control $short::lateMs
    support::wait ::short::result
    set short::result
} -cleanup {
    support::closeAll $control $short::listener
} -result "$short::size eof right"

tcltest::removeFile short.bin
