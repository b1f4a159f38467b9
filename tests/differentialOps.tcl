# differentialOps.tcl --
#
#	The operations of differential.tcl, one procedure each. The result is
#	the outcome for the transcript.

# The procedures of operations are named op.NAME.

# ----------------------------------------------------------------------
# The ways to make the connection

proc differential::op.setup {kind args} {
    return [setup.$kind {*}$args]
}

proc differential::Accepted {key chan address port} {
    variable S
    set S($key) [list $chan $address $port]
}

# Returns the listener of a driver, which all sequences share.

proc differential::SharedPort {} {
    variable S
    variable shared
    set driver $S(driver)
    if {![info exists shared($driver)]} {
	set shared($driver) [$S(socket) -server \
	    {::differential::Accepted accepted} -myaddr 127.0.0.1 0]
    }
    return [lindex [fconfigure $shared($driver) -sockname] 2]
}

# Stores both sides, and checks the arguments of the accept script against the
# name of a.

proc differential::Pair {client kind} {
    variable S
    ::support::wait ::differential::S(accepted) 1 5000
    lassign $S(accepted) server address port
    set same [expr {$kind eq "raw"
	|| $port == [lindex [fconfigure $client -sockname] 2]}]
    if {$kind eq "raw"} {
	Join b $client raw
	Join a $server accepted
    } else {
	Join a $client chan
	Join b $server accepted
	Forget b
    }
    return [list $address $same]
}

proc differential::setup.pair {args} {
    variable S
    set port [SharedPort]
    unset -nocomplain S(accepted)
    set chan [$S(socket) {*}$args 127.0.0.1 $port]
    if {$args ne ""} {
	fileevent $chan writable {set ::differential::S(writable) 1}
	::support::wait ::differential::S(writable) 1 5000
	fileevent $chan writable {}
	set state [fconfigure $chan -connecting][fconfigure $chan -error]
	return [list $state [Pair $chan chan]]
    }
    return [Pair $chan chan]
}

# A blocking write waits for the connection.

proc differential::setup.sayasync {} {
    variable S
    set port [SharedPort]
    unset -nocomplain S(accepted)
    set chan [$S(socket) -async 127.0.0.1 $port]
    puts $chan early
    flush $chan
    return [Pair $chan chan]
}

proc differential::setup.raw {} {
    variable S
    set port [SharedPort]
    unset -nocomplain S(accepted)
    return [Pair [testraw connect $port] raw]
}

proc differential::setup.rawserver {} {
    variable S
    lassign [testraw listen] listener port
    set chan [$S(socket) 127.0.0.1 $port]
    Join b [testraw accept $listener] raw
    testraw close $listener
    Join a $chan chan
    return
}

# It is open when a refusal is noticed. Therefore a call that waits for it
# comes first.

proc differential::setup.refused {} {
    variable S
    set chan [$S(socket) -async 127.0.0.1 [::support::refusedPort]]
    lappend S(names) [::support::refusedPort] <refused>
    Join a $chan failed
    gets $chan
}

proc differential::setup.refusedevents {} {
    variable S
    set chan [$S(socket) -async 127.0.0.1 [::support::refusedPort]]
    lappend S(names) [::support::refusedPort] <refused>
    Join a $chan failed
    op.event a readable count
    op.event a writable count
    set seen [op.loop]
    fileevent $chan readable {}
    fileevent $chan writable {}
    return $seen
}

proc differential::op.listen {kind} {
    variable S
    Loop
    Drop l
    set chan [$S(socket) -server [list ::differential::Accept $kind] \
	-myaddr 127.0.0.1 0]
    Join l $chan listener
    set S(acceptkind) $kind
    return
}

proc differential::Accept {kind chan address port} {
    variable S
    switch $kind {
	closing {close $chan}
	shutting {
	    close $S(l)
	    set S(l) {}
	}
    }
    Accepted accepted $chan $address $port
    if {$kind eq "error"} {
	error "no [expr {$chan in [chan names]}]"
    }
}

# Makes another connection in place of a and b, through the sequence's
# listener.

proc differential::op.connect {} {
    variable S
    Loop
    Drop a
    Drop b
    if {![IsChan l]} {
	return [setup.pair]
    }
    unset -nocomplain S(accepted)
    set chan [$S(socket) 127.0.0.1 [lindex [fconfigure $S(l) -sockname] 2]]
    if {$S(acceptkind) eq "early"} {
	puts $chan early
	close $chan write
    }
    set outcome [Pair $chan chan]
    set S(a,ended) [expr {$S(acceptkind) eq "early"}]
    return $outcome
}

# ----------------------------------------------------------------------
# Writing

proc differential::op.write {side size} {
    variable S
    if {[IsRaw $side]} {
	return [RawSend $side [Text $side $size]]
    }
    set chan [Chan $side]
    # TCP decides when it sends the last of several small packets.
    set size [expr {min($size, 5 * [fconfigure $chan -buffersize])}]
    Sent $side {puts -nonewline $chan [Text $side $size]}
}

proc differential::op.send {side size} {
    set outcome [op.write $side $size]
    if {$outcome eq "none" || [IsRaw $side]} {
	return $outcome
    }
    list $outcome [op.flush $side]
}

proc differential::op.line {side} {
    variable S
    if {[IsRaw $side]} {
	return [RawSend $side [Text $side 7]\r\n]
    }
    set chan [Chan $side]
    Sent $side {puts $chan [Text $side 7]}
}

proc differential::op.flush {side} {
    set chan [Chan $side]
    Sent $side {flush $chan}
}

proc differential::RawSend {side text} {
    variable S
    if {[Ended $side]} {
	return none
    }
    if {[Ended [Peer $side]]} {
	catch {testraw send $S($side) [encoding convertto utf-8 $text]}
	return "sent or refused"
    }
    testraw send $S($side) [encoding convertto utf-8 $text]
}

# ----------------------------------------------------------------------
# Reading

proc differential::op.read {side count} {
    variable S
    if {[IsRaw $side]} {
	return [RawRead $side $count]
    }
    set chan [Chan $side]
    Feed $side $count
    list [read $chan $count] [eof $chan] [fblocked $chan]
}

proc differential::op.readall {side} {
    variable S
    if {[IsRaw $side]} {
	return [RawRead $side 100000]
    }
    set chan [Chan $side]
    if {[fconfigure $chan -blocking] && ![Ended [Peer $side]]
	    && $S($side,kind) in {chan accepted}} {
	return "would wait"
    }
    list [read $chan] [eof $chan] [fblocked $chan]
}

proc differential::op.gets {side} {
    set chan [Chan $side]
    Feed $side 0
    list [gets $chan line] $line [eof $chan] [fblocked $chan]
}

# Reads what has arrived. Whether the end of a closed connection is an error
# depends on what its closer had left unread.

proc differential::RawRead {side count} {
    variable S
    set got {}
    while {$count > 0 && "read" in [testraw ready $S($side)]} {
	if {[catch {testraw recv $S($side) $count} bytes options]} {
	    if {![Ended [Peer $side]]} {
		return -options $options $bytes
	    }
	    set bytes {}
	}
	if {$bytes eq ""} {
	    return [list $got end]
	}
	append got $bytes
	incr count -[string length $bytes]
    }
    return [list $got]
}

# ----------------------------------------------------------------------
# Options and states

# Options that only iocpsock has are not compared.

proc differential::IsExtra {option} {
    return [expr {![::support::isTcl9]
	&& $option in {-keepalive -nodelay -k -n}}]
}

proc differential::op.set {side setting} {
    variable S
    set chan [Chan $side]
    if {[IsExtra [lindex $setting 0]]} {
	return none
    }
    set outcome [Sent $side {fconfigure $chan {*}$setting}]
    if {$setting eq "-nodelay 0" && $S($side,kind) in {chan accepted}} {
	testraw nodelay $S($side,id)
    }
    return $outcome
}

proc differential::op.get {side option} {
    set chan [Chan $side]
    if {[IsExtra $option]} {
	return none
    }
    if {[MayBeReset $side]
	    && ($option eq "" || [string match -p* $option])} {
	catch {fconfigure $chan $option}
	return "perhaps without a peer"
    }
    Name $side
    if {$option eq ""} {
	return [fconfigure $chan]
    }
    return [fconfigure $chan $option]
}

proc differential::op.state {side} {
    set chan [Chan $side]
    list [eof $chan] [fblocked $chan] \
	[catch {fileevent $chan readable} r] $r \
	[catch {fileevent $chan writable} w] $w
}

proc differential::op.odd {side what} {
    set chan [Chan $side]
    switch $what {
	seek {seek $chan 0}
	tell {tell $chan}
	truncate {chan truncate $chan 0}
	eofchar {fconfigure $chan -eofchar}
	pending {list [chan pending input $chan] [chan pending output $chan]}
	names {expr {$chan in [file channels]}}
    }
}

# ----------------------------------------------------------------------
# Ends

# A handler for the closed direction is not compared, but removed before. The
# core's driver calls it when input arrives that cannot be read any more,
# iocpsock does not.

proc differential::op.half {side direction} {
    variable S
    if {[IsRaw $side]} {
	if {$direction eq "write" && ![Ended $side]} {
	    testraw shutdown $S($side)
	    set S($side,ended) 1
	}
	return
    }
    set chan [Chan $side]
    if {$direction eq "read"} {
	catch {fileevent $chan readable {}}
    }
    try {
	return [Sent $side {close $chan $direction}]
    } finally {
	set S($side,[expr {$direction eq "write" ? "ended" : "deaf"}]) 1
	Forget $side
    }
}

proc differential::op.close {side} {
    variable S
    if {[IsRaw $side]} {
	return [Drop $side]
    }
    set chan [Chan $side]
    try {
	return [Sent $side {close $chan}]
    } finally {
	Forget $side
    }
}

proc differential::op.reset {} {
    variable S
    if {![IsRaw b]} {
	return none
    }
    testraw reset $S(b)
    set S(b) {}
    return
}

# ----------------------------------------------------------------------
# The end of a sequence: handlers are removed, each side ends its output, and
# the other one reads to the end.

proc differential::op.end {} {
    variable S
    set all {}
    foreach side {a b} {
	if {[IsRaw $side]} {
	    catch {testraw shutdown $S($side)}
	} elseif {[IsChan $side]} {
	    catch {fileevent $S($side) readable {}}
	    catch {fileevent $S($side) writable {}}
	    fconfigure $S($side) -blocking 1
	    lappend all [catch {Sent $side {
		flush $S($side)
		close $S($side) write
	    }} result] [Same $result]
	    Forget $side
	}
    }
    update idletasks
    foreach side {a b} {
	if {[IsChan $side] && !($S($side,deaf) && [MayBeReset $side])} {
	    lappend all $side [catch {read $S($side)} text] [Same $text] \
		[eof $S($side)]
	}
    }
    if {$S(errors) ne ""} {
	lappend all errors [lsort -unique $S(errors)]
    }
    return $all
}
