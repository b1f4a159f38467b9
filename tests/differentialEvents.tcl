# differentialEvents.tcl --
#
#	The operations of differential.tcl that concern events, and the
#	transfer of bulk data.

# ----------------------------------------------------------------------
# Events

# It is open how often other handlers of a channel run before the one that
# closes it. Therefore that one must be the only one.

proc differential::op.event {side direction kind} {
    variable S
    set chan [Chan $side]
    if {$kind eq "close"} {
	catch {fileevent $chan writable {}}
    } elseif {$direction eq "writable"
	    && ![catch {fileevent $chan readable} script]
	    && [string match {*Handle * readable close *} $script]} {
	return none
    }
    set S($side,$direction) 0
    set S($side,$direction,kind) $kind
    fileevent $chan $direction \
	[list ::differential::Handle $side $direction $kind $chan]
}

proc differential::op.unevent {side direction} {
    set chan [Chan $side]
    fileevent $chan [dict get {read readable write writable} $direction] {}
}

proc differential::Handle {side direction kind chan} {
    variable S
    incr S($side,$direction)
    if {$kind in {gets read500 read5000 drain}
	    && [fconfigure $chan -blocking]} {
	return
    }
    switch $kind {
	count {
	    # It continues, and shows that others have their turns.
	}
	gets {
	    if {[gets $chan line] >= 0} {
		append S($side,got) $line |
	    }
	}
	read500 {append S($side,got) [read $chan 500]}
	read5000 {append S($side,got) [read $chan 5000]}
	drain {append S($side,got) [read $chan]}
	close {
	    set S($side) {}
	    set S($side,closed) 1
	    # If both ends have such a handler, either may be first. What the
	    # close of the other one still has to write then has no reader.
	    if {[chan pending output $chan] > 0} {
		Sent $side {close $chan}
	    } else {
		close $chan
	    }
	}
	once {fileevent $chan $direction {}}
	error {error "handler of $side"}
	nested {Nested}
	say {
	    fileevent $chan writable {}
	    Sent $side {
		puts $chan [Text $side 9]
		flush $chan
	    }
	}
    }
    if {$kind in {gets read500 read5000 drain}} {
	incr S(moved)
	if {[eof $chan]} {
	    append S($side,got) <eof>
	    fileevent $chan readable {}
	}
    }
}

# An event loop inside a handler sees the same events as the outer one.

proc differential::Nested {} {
    variable S
    if {!$S(nested)} {
	set S(nested) 1
	Pass
	Pass
	set S(nested) 0
    }
}

proc differential::Pass {} {
    variable passed
    after 4 {set ::differential::passed 1}
    vwait ::differential::passed
}

# Returns whether an event is still due: the system says that a handler must be
# called, twice if the handler changes nothing.

proc differential::Due {} {
    variable S
    foreach side {a b} {
	if {![IsChan $side]} {
	    continue
	}
	if {$S($side,kind) eq "failed"} {
	    set ready {read write}
	} elseif {[catch {testraw ready $S($side,id)} ready]} {
	    continue
	}
	foreach {what direction} {read readable write writable} {
	    if {$what in $ready && ![catch {fileevent $S($side) $direction} \
		    script] && $script ne "" && $S($side,$direction) < 2} {
		return 1
	    }
	}
    }
    return 0
}

proc differential::HasHandlers {} {
    variable S
    foreach side {a b} {
	foreach direction {readable writable} {
	    if {[IsChan $side]
		    && ![catch {fileevent $S($side) $direction} script]
		    && $script ne ""} {
		return 1
	    }
	}
    }
    return 0
}

# Tcl reports bytes in a channel's buffer by a timer of 10 ms.

proc differential::Loop {} {
    variable S
    if {![HasHandlers]} {
	update idletasks
	return
    }
    set S(nested) 0
    set quiet 0
    set moved [set S(moved) 0]
    set end [expr {[clock milliseconds] + 1500}]
    while {$quiet < 3 && [clock milliseconds] < $end} {
	Pass
	incr quiet
	if {$S(moved) != $moved} {
	    set moved $S(moved)
	    set quiet 0
	    set end [expr {[clock milliseconds] + 1500}]
	} elseif {[Due]} {
	    set quiet 0
	}
    }
    # Background errors of handlers are stored here.
    update idletasks
}

proc differential::op.loop {} {
    Loop
    return [Seen]
}

# Returns what handlers saw: how often they ran, up to twice for those that
# change nothing.

proc differential::Seen {} {
    variable S
    set seen {}
    foreach side {a b} {
	if {![info exists S($side,kind)] || $S($side,kind) eq "raw"} {
	    continue
	}
	foreach direction {readable writable} {
	    set count $S($side,$direction)
	    set S($side,$direction) 0
	    if {$count > 0} {
		set most [expr {$S($side,$direction,kind) in
		    {count nested} ? 2 : 1}]
		lappend seen $side $direction [expr {min($count, $most)}]
	    }
	}
	if {$S($side,got) ne ""} {
	    lappend seen $side got $S($side,got)
	    set S($side,got) {}
	}
	if {$S($side,closed)} {
	    lappend seen $side closed
	    set S($side,closed) 0
	}
    }
    if {$S(errors) ne ""} {
	lappend seen errors [lsort -unique $S(errors)]
	set S(errors) {}
    }
    return $seen
}

# Sends many bytes from a side to its peer, by events, up to the end mark.
# Afterwards both have no handlers, and are non-blocking and binary.

proc differential::op.bulk {side size} {
    variable S
    Loop
    set from [Chan $side]
    if {![IsChan [Peer $side]] || $side eq "l"} {
	return none
    }
    set to $S([Peer $side])
    foreach chan [list $from $to] {
	catch {fileevent $chan readable {}}
	catch {fileevent $chan writable {}}
	fconfigure $chan -blocking 0 -translation binary -eofchar {} \
	    -buffersize 4096
    }
    set S(bulk) {}
    unset -nocomplain S(bulkdone)
    fileevent $to readable [list ::differential::Take $to]
    fileevent $from writable [list ::differential::Give $from 0 $size]
    try {
	return [list [::support::wait ::differential::S(bulkdone) 1 10000] \
	    [Same $S(bulk)]]
    } finally {
	catch {fileevent $from writable {}}
	catch {fileevent $to readable {}}
    }
}

proc differential::Give {chan offset size} {
    variable S
    set count [expr {min(20000, $size - $offset)}]
    set text [::support::pattern $offset $count]
    incr offset $count
    if {$offset >= $size} {
	append text <<end>>
    }
    if {[catch {
	puts -nonewline $chan $text
	flush $chan
    } result]} {
	fileevent $chan writable {}
	set S(bulkdone) [Same $result]
    } elseif {$offset >= $size} {
	fileevent $chan writable {}
    } else {
	fileevent $chan writable [list ::differential::Give $chan $offset $size]
    }
}

proc differential::Take {chan} {
    variable S
    append S(bulk) [read $chan 30000]
    if {[string match *<<end>> [string range $S(bulk) end-20 end]]
	    || [eof $chan]} {
	set S(bulkdone) [eof $chan]
    }
}
