# relay.tcl --
#
#	A TCP relay that distributes its clients among several servers, in turn.
#
#	    tclsh relay.tcl -backends "127.0.0.1:8001 127.0.0.1:8002"
#
#	-port NUMBER		7009
#	-backends LIST		HOST:PORT, or [ADDRESS]:PORT for IPv6; needed
#	-timeout MS		5000: for a server to accept a connection
#	-retry MS		10000: for how long a server that did not accept
#				one is tried after all others
#	-maxclients NUMBER	200: further clients are disconnected
#
#	program.tcl describes the other options. A client is connected to the
#	first server that answers, or closed if none does. fcopy copies the
#	bytes in both directions, and reads only as fast as the other side
#	accepts them. An end of file is passed on as an end of file.

source [file join [file dirname [info script]] program.tcl]

# The index of the server that is tried first, and a dictionary from servers
# that did not answer to the time until which they count as dead.
set turn 0
set dead {}

# The open connections to servers, the keys of a dictionary. All other
# connections are clients, or are being closed and count as clients.
set servers {}

proc parseBackends {list} {
    if {![string is list $list] || [llength $list] == 0} {
        program::fail "-backends is missing: should be a list of HOST:PORT"
    }
    return [lmap backend $list {
        if {![regexp {^(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})$} $backend -> \
                literal name port]} {
            program::fail "bad value \"$backend\" for -backends: should be\
                HOST:PORT"
        }
        list $literal$name $port
    }]
}

# Returns all servers in the order to try them: dead ones last.

proc order {} {
    global backends turn dead
    set turn [expr {($turn + 1) % [llength $backends]}]
    set good {}
    set bad {}
    foreach backend [concat [lrange $backends $turn end] \
            [lrange $backends 0 $turn-1]] {
        if {[dict exists $dead $backend]
                && [clock milliseconds] < [dict get $dead $backend]} {
            lappend bad $backend
        } else {
            lappend good $backend
        }
    }
    return [concat $good $bad]
}

proc accept {client address port} {
    global options servers
    set clients [expr {[program::connections] - [dict size $servers]}]
    if {$clients > [dict get $options -maxclients]} {
        program::drop $client
        return
    }
    fconfigure $client -blocking 0 -translation binary -buffersize 65536 \
        -buffering none
    dial $client [order]
}

# Tries to connect to the first of the servers, then to the others.

proc dial {client candidates} {
    global options servers
    if {$candidates eq ""} {
        close $client
        return
    }
    set candidates [lassign $candidates backend]
    if {[catch {
        set server [$program::socket -async {*}$backend]
        dict set servers $server ""
        program::bound $server
        fconfigure $server -blocking 0 -translation binary -buffersize 65536 \
            -buffering none
    }]} {
        skip $client $backend $candidates
        return
    }
    set timer [after [dict get $options -timeout] \
        [list decide $client $server $backend $candidates "" timeout]]
    fileevent $server writable \
        [list decide $client $server $backend $candidates $timer]
}

proc decide {client server backend candidates timer {failure ""}} {
    after cancel $timer
    fileevent $server writable {}
    if {$failure eq ""} {
        set failure [fconfigure $server -error]
    }
    if {$failure eq ""} {
        dict unset ::dead $backend
        connect $client $server
    } else {
        hangUp $server
        skip $client $backend $candidates
    }
}

proc skip {client backend candidates} {
    global options dead
    dict set dead $backend \
        [expr {[clock milliseconds] + [dict get $options -retry]}]
    dial $client $candidates
}

# Copies in both directions.

proc connect {client server} {
    foreach {from to} [list $client $server $server $client] {
        fcopy $from $to -command [list copied $from $to]
    }
}

# Called when one direction has ended. The other one continues, unless it has
# ended as well or something has failed.

proc copied {from to bytes {failure ""}} {
    global ended
    set last [info exists ended($to)]
    set ended($from) 1
    if {$failure eq "" && !$last && ![catch {close $to write}]} {
        return
    }
    unset -nocomplain ended($from) ended($to)
    hangUp $from
    hangUp $to
}

proc hangUp {chan} {
    global servers
    dict unset servers $chan
    catch {close $chan}
}

set options [program::options relay \
    {-port 7009 -backends {} -timeout 5000 -retry 10000 -maxclients 200}]
set backends [parseBackends [dict get $options -backends]]
program::listen accept
program::wait
