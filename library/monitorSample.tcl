# monitorSample.tcl --
#
#	What the package iocpsock::monitor shows: samples of the driver's
#	counters and the channels on which something waits. monitor.tcl
#	sources it.

namespace eval iocpsock::monitor {
    # How many channels a sample looks at, in turns if there are more, and how
    # many of those that wait it lists.
    variable lookAt 200
    variable listed 8

    # The channels on which something waits, with the bytes that they had
    # moved and since when these are all; where the next look begins.
    variable waiting {}
    variable cursor 0
}

# iocpsock::monitor::Sample --
#
#	Takes a sample.
#
# Results:
#	A dictionary. "time" (ms since 1970), "late" (ms that the tick was),
#	"pid", "version" and "tcl" say whose it is; the counters are those of
#	iocpsock::stats, for the whole process, without what is the monitor's
#	own; "viewers" counts these; "channels" is how many sockets of this
#	interpreter there are, "slow" a list of dictionaries, see Slowest.

proc iocpsock::monitor::Sample {lateMs} {
    set now [clock milliseconds]
    set sample [dict create time $now late $lateMs pid [pid] \
        version [package provide iocpsock] tcl [info patchlevel] \
        {*}[Others [iocpsock::stats]] viewers [llength [Viewers]]]
    set chans [OtherSockets]
    dict set sample channels [llength $chans]
    dict set sample slow [Slowest $chans $now]
    return $sample
}

# iocpsock::monitor::Others --
#
#	Takes the monitor's own share out of counters.

proc iocpsock::monitor::Others {stats} {
    variable clients
    variable listener
    variable own
    set listening [fconfigure $listener -stats]
    set posted [dict get $listening acceptsPosted]
    set count [expr {[llength [fconfigure $listener -sockname]] / 3}]
    set share $own
    dict incr share accepted [dict get $listening accepted]
    dict set share acceptsPosted $posted
    dict set share operations $posted
    dict set share listeners $count
    dict set share sockets [expr {$count + [dict size $clients]}]
    dict set share handles [expr {$posted + [dict get $share sockets]}]
    dict set share connections [dict size $clients]
    foreach sock [dict keys $clients] {
        if {[catch {fconfigure $sock -stats} one]} {
            continue
        }
        dict incr share bytesIn [dict get $one bytesIn]
        dict incr share bytesOut [dict get $one bytesOut]
        dict incr share operations [expr {
            [dict get $one recvPending] + [dict get $one sendPending]}]
    }
    dict for {name value} $share {
        dict set stats $name [expr {max(0, [dict get $stats $name] - $value)}]
    }
    return $stats
}

proc iocpsock::monitor::OtherSockets {} {
    variable clients
    variable listener
    return [lmap chan [chan names] {
        if {![string match sock* $chan] || $chan eq $listener
                || [dict exists $clients $chan]} {
            continue
        }
        set chan
    }]
}

# iocpsock::monitor::Slowest --
#
#	Finds the connections on which something waits, to be sent or to be
#	read, and on which nothing has moved for the longest time.
#
# Results:
#	A list of dictionaries: "name"; "peer", empty where that is not told;
#	"output" and "input", the bytes that wait; "still", for how many ms
#	the sampler has seen nothing move.

proc iocpsock::monitor::Slowest {chans now} {
    variable waiting
    variable lookAt
    variable listed
    set before $waiting
    set waiting {}
    set found {}
    foreach chan [lsort -unique [concat [dict keys $before] [Turn $chans]]] {
        if {[catch {Waits $chan} seen]} {
            # Closed, listening, or another driver's.
            continue
        }
        lassign $seen moved output input
        if {$output + $input == 0} {
            continue
        }
        set since $now
        if {[dict exists $before $chan]} {
            lassign [dict get $before $chan] movedBefore since
            if {$moved != $movedBefore} {
                set since $now
            }
        }
        if {[dict size $waiting] < 2 * $lookAt} {
            dict set waiting $chan [list $moved $since]
        }
        lappend found [list $chan [expr {$now - $since}] $output $input \
            [expr {$output + $input}]]
    }
    set found [lsort -integer -decreasing -index 4 $found]
    set found [lsort -integer -decreasing -index 1 $found]
    return [lmap entry [lrange $found 0 $listed-1] {
        lassign $entry chan still output input
        dict create name $chan peer [Peer $chan] output $output \
            input $input still $still
    }]
}

# iocpsock::monitor::Turn --
#
#	Gives the channels to look at this time. What is found on one of them
#	has it looked at each time, until there are too many.

proc iocpsock::monitor::Turn {chans} {
    variable lookAt
    variable cursor
    if {[llength $chans] <= $lookAt} {
        return $chans
    }
    if {$cursor >= [llength $chans]} {
        set cursor 0
    }
    set from $cursor
    incr cursor $lookAt
    return [lrange $chans $from $cursor-1]
}

proc iocpsock::monitor::Waits {chan} {
    set stats [fconfigure $chan -stats]
    dict with stats {
        return [list [expr {$bytesIn + $bytesOut}] \
            [expr {[chan pending output $chan] + $sendBuffered}] \
            [expr {[chan pending input $chan] + $recvBuffered}]]
    }
}

# iocpsock::monitor::Peer --
#
#	Gives a peer's address and port, without asking the DNS for its name.

proc iocpsock::monitor::Peer {chan} {
    variable settings
    if {![dict get $settings -peers]} {
        return
    }
    set asked [info exists ::tcl::unsupported::noReverseDNS]
    set ::tcl::unsupported::noReverseDNS 1
    try {
        lassign [fconfigure $chan -peername] address - port
        return [string trim "$address $port"]
    } on error {} {
        return
    } finally {
        if {!$asked} {
            unset ::tcl::unsupported::noReverseDNS
        }
    }
}

# iocpsock::monitor::Json --
#
#	Writes a sample as JSON.

proc iocpsock::monitor::Json {sample} {
    set members {}
    dict for {name value} $sample {
        if {$name eq "slow"} {
            set value \[[join [lmap entry $value {Json $entry}] ,]\]
        } elseif {$name in {version tcl name peer}} {
            set value \"[regsub -all {[^ !#-\[\]-~]} $value ?]\"
        }
        lappend members \"$name\":$value
    }
    return "{[join $members ,]}"
}

# What was seen counts no more when nobody has been looking.

proc iocpsock::monitor::ForgetWaiting {} {
    variable waiting {}
}
