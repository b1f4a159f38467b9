# supportListener.tcl --
#
#	Servers, clients and counters for the suites of listeners, which source
#	this file.

namespace eval lis {
    variable chans {}
    variable log {}
    variable order
    variable greeted
    variable ended
}

# A listener's counter.
proc lis::stat {listener key} {
    return [dict get [fconfigure $listener -stats] $key]
}

# The number of accepts that the strict system has refused (testStrict.c).
proc lis::failedSubmits {} {
    if {[info commands ::iocpsock::strict] eq ""} {
        return 0
    }
    return [iocpsock::strict failed]
}

# The number of open sockets, with those of listeners but not those of pools.
proc lis::sockets {} {
    return [dict get [iocpsock::stats] sockets]
}

# Waits until the pool holds that many submitted accepts.
proc lis::awaitPool {listener count} {
    support::until {[lis::stat $listener acceptsPosted] == $count}
    return [lis::stat $listener acceptsPosted]
}

# A server that answers every line with the line and its length, and closes the
# channel at the end.
proc lis::greeter {args} {
    if {"-myaddr" ni $args} {
        lappend args -myaddr 127.0.0.1
    } elseif {[dict get $args -myaddr] eq "any"} {
        set args {}
    }
    return [support::sock -server lis::Greet {*}$args 0]
}

proc lis::Greet {chan addr port} {
    fconfigure $chan -blocking 0 -buffering line
    fileevent $chan readable [list lis::Answer $chan]
}

proc lis::Answer {chan} {
    if {[catch {gets $chan line} length]} {
        close $chan
    } elseif {$length >= 0} {
        puts $chan "$length $line"
    } elseif {[eof $chan]} {
        close $chan
    }
}

# Sends a line to a greeter. The result is the answer and whether it came "at
# once", which is too early for a driver that waits for some time to pass.
proc lis::ask {port {host 127.0.0.1}} {
    variable greeted
    set start [clock milliseconds]
    set chan [support::sock $host $port]
    fconfigure $chan -blocking 0 -buffering line
    puts $chan hello
    unset -nocomplain greeted
    fileevent $chan readable [list lis::GotAnswer $chan]
    try {
        support::wait ::lis::greeted
    } finally {
        close $chan
    }
    set ms [expr {[clock milliseconds] - $start}]
    return [list $greeted [expr {$ms < 15000 ? "at once" : "after $ms ms"}]]
}

proc lis::GotAnswer {chan} {
    variable greeted
    if {[catch {gets $chan line} length]} {
        set greeted "error: $length"
    } elseif {$length >= 0} {
        set greeted $line
    } elseif {[eof $chan]} {
        set greeted "end of file"
    }
}

# Connects that many blocking clients without servicing any event.
proc lis::connectMany {count port {host 127.0.0.1}} {
    variable chans
    for {set i 0} {$i < $count} {incr i} {
        lappend chans [support::sock $host $port]
    }
}

# Sets ended(CHAN) when the connection ends for this side.
proc lis::watchEnd {chan} {
    fconfigure $chan -blocking 0
    fileevent $chan readable [list lis::SeeEnd $chan]
}

proc lis::SeeEnd {chan} {
    variable ended
    if {[catch {read $chan}] || [eof $chan]} {
        fileevent $chan readable {}
        set ended($chan) 1
    }
}

proc lis::closeChans {} {
    variable chans
    support::closeAll {*}$chans
    set chans {}
}

# Clients that connect and reset, or close, without sending anything. All are
# gone before the server's script runs again.
proc lis::resetMany {count port} {
    for {set i 0} {$i < $count} {incr i} {
        testraw reset [testraw connect $port]
    }
}

proc lis::closeMany {count port} {
    for {set i 0} {$i < $count} {incr i} {
        close [support::sock 127.0.0.1 $port]
    }
}
