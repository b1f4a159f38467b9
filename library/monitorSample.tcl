# monitorSample.tcl --
#
#	Takes the samples that the package iocpsock::monitor shows: the driver's
#	counters, and the channels on which bytes wait. monitor.tcl sources this
#	file.

namespace eval iocpsock::monitor {
    # How many channels a sample checks (if there are more, the next samples
    # check the others), and how many waiting channels and how many UDP channels
    # it lists.
    variable lookAt 200
    variable listed 8

    # The channels on which bytes wait, a dictionary from names to lists: the
    # bytes moved so far, and the time since when this has not changed. And the
    # index of the channel to check next.
    variable waiting {}
    variable cursor 0

    # The UDP channels that the last sample listed.
    variable datagramChans {}
}

# iocpsock::monitor::Sample --
#
#	Takes a sample.
#
# Results:
#	A dictionary. "time" is in ms since 1970, and "late" says how many ms
#	late the tick was. "pid", "version" and "tcl" identify the process. The
#	counters are those of iocpsock::stats, for the whole process, without
#	the monitor's own. "viewers" counts the viewers, "channels" the sockets
#	of this interpreter, and "slow" and "udp" are lists of dictionaries, see
#	Slowest and Datagrams.

proc iocpsock::monitor::Sample {lateMs} {
    set now [clock milliseconds]
    set sample [dict create time $now late $lateMs pid [pid] \
        version [package provide iocpsock] tcl [info patchlevel] \
        {*}[Others [iocpsock::stats]] viewers [llength [Viewers]]]
    set chans [OtherSockets]
    dict set sample channels [llength $chans]
    set checked [Check $chans]
    dict set sample slow [Slowest $checked $now]
    dict set sample udp [Datagrams $checked]
    return $sample
}

# iocpsock::monitor::Check --
#
#	Returns the channels to examine this time, with their -stats: a part of
#	them, and those that the last sample had.

proc iocpsock::monitor::Check {chans} {
    variable waiting
    variable datagramChans
    set checked {}
    foreach chan [lsort -unique [concat [dict keys $waiting] $datagramChans \
            [Turn $chans]]] {
        # It may be closed, or another driver's.
        if {![catch {fconfigure $chan -stats} stats]} {
            dict set checked $chan $stats
        }
    }
    return $checked
}

# iocpsock::monitor::Others --
#
#	Subtracts the monitor's own share from the counters.

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
#	Finds the connections on which bytes wait to be sent or read, and on
#	which no byte has moved for the longest time.
#
# Results:
#	A list of dictionaries: "name"; "peer", empty if peers are not shown;
#	"output" and "input", the waiting bytes; and "still", for how many ms
#	the sampler has seen no byte move.

proc iocpsock::monitor::Slowest {checked now} {
    variable waiting
    variable lookAt
    variable listed
    set before $waiting
    set waiting {}
    set found {}
    dict for {chan stats} $checked {
        if {[catch {Waits $chan $stats} seen]} {
            # It is a listener, or a UDP channel.
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
#	Returns the channels whose turn it is.

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

proc iocpsock::monitor::Waits {chan stats} {
    dict with stats {
        return [list [expr {$bytesIn + $bytesOut}] \
            [expr {[chan pending output $chan] + $sendBuffered}] \
            [expr {[chan pending input $chan] + $recvBuffered}]]
    }
}

# iocpsock::monitor::Datagrams --
#
#	Finds the UDP channels that have dropped most datagrams; of equal ones,
#	those on which most wait to be read, and then the busiest.
#
# Results:
#	A list of dictionaries: "name"; "peer", its destination, which is empty
#	if there is none or peers are not shown; "port", its own one, or 0;
#	"in", "out" and "dropped", numbers of datagrams; "queued" and
#	"queuedBytes", those that wait to be read.

proc iocpsock::monitor::Datagrams {checked} {
    variable listed
    variable datagramChans
    set found {}
    dict for {chan stats} $checked {
        if {[dict exists $stats datagramsIn]} {
            dict with stats {
                lappend found [list $chan \
                    [expr {$datagramsIn + $datagramsOut}] $queued $dropped \
                    $stats]
            }
        }
    }
    foreach index {1 2 3} {
        set found [lsort -integer -decreasing -index $index $found]
    }
    set found [lrange $found 0 $listed-1]
    set datagramChans [lmap entry $found {lindex $entry 0}]
    return [lmap entry $found {
        lassign $entry chan - queued dropped stats
        set port [fconfigure $chan -myport]
        dict create name $chan peer [Destination $chan] \
            port [expr {$port eq "" ? 0 : $port}] \
            in [dict get $stats datagramsIn] \
            out [dict get $stats datagramsOut] dropped $dropped \
            queued $queued queuedBytes [dict get $stats queuedBytes]
    }]
}

proc iocpsock::monitor::Destination {chan} {
    variable settings
    return [expr {[dict get $settings -peers]
        ? [fconfigure $chan -remote] : ""}]
}

# iocpsock::monitor::Peer --
#
#	Returns a peer's address and port, without a DNS query for its name.

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
#	Returns a sample as JSON.

proc iocpsock::monitor::Json {sample} {
    set members {}
    dict for {name value} $sample {
        if {$name in {slow udp}} {
            set value \[[join [lmap entry $value {Json $entry}] ,]\]
        } elseif {$name in {version tcl name peer}} {
            set value \"[regsub -all {[^ !#-\[\]-~]} $value ?]\"
        }
        lappend members \"$name\":$value
    }
    return "{[join $members ,]}"
}

# Forgets how long bytes have waited, because the sampler stops watching them.

proc iocpsock::monitor::ForgetWaiting {} {
    variable waiting {}
    variable datagramChans {}
}
