# watchdogSupport.tcl --
#
#       Sourced by the suites of -acceptmode data (watchdog*.test): a listener,
#       its clients, and the time after which a silent one is closed.

namespace eval dog {
    variable listener
    variable chans {}
    variable ended
    variable got
}

proc dog::open {timeoutMs {mode data}} {
    variable listener [support::listen]
    fconfigure $listener -acceptmode $mode -accepttimeout $timeoutMs
    return $listener
}

proc dog::shut {} {
    variable listener
    variable chans
    support::closeAll {*}$chans $listener
    set chans {}
}

proc dog::connect {{listener {}}} {
    variable chans
    if {$listener eq ""} {
        set listener $::dog::listener
    }
    set chan [support::sock 127.0.0.1 [support::port $listener]]
    fconfigure $chan -blocking 0 -buffering line
    lappend chans $chan
    return $chan
}

proc dog::stat {key} {
    variable listener
    return [dict get [fconfigure $listener -stats] $key]
}

# Accepts the next connection.
proc dog::accepted {} {
    variable listener
    variable chans
    set chan [support::accept $listener]
    fconfigure $chan -buffering line
    lappend chans $chan
    return $chan
}

# Returns the number of connections that the listener has delivered and that
# dog::accepted has not yet taken.
proc dog::delivered {} {
    variable listener
    return [llength $::support::accepted($::support::accepted($listener))]
}

# Stores in ended(CHAN) the time at which a connection ends.
proc dog::watchEnd {chan} {
    fileevent $chan readable [list dog::SeeEnd $chan]
}

proc dog::SeeEnd {chan} {
    variable ended
    if {[catch {read $chan}] || [eof $chan]} {
        fileevent $chan readable {}
        set ended($chan) [clock milliseconds]
    }
}

# Connects a silent peer and waits until it is closed. Returns the milliseconds
# until then.
proc dog::silence {listener} {
    variable ended
    set start [clock milliseconds]
    set chan [dog::connect $listener]
    unset -nocomplain ended($chan)
    dog::watchEnd $chan
    support::wait ::dog::ended($chan)
    return [expr {$ended($chan) - $start}]
}

# Lets time pass while events are served: the watchdog of another listener
# closes its silent peer after that time.
proc dog::letPass {ms} {
    set clockListener [support::listen]
    fconfigure $clockListener -acceptmode data -accepttimeout $ms
    try {
        dog::silence $clockListener
    } finally {
        close $clockListener
    }
}
