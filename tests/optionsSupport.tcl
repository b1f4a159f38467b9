# optionsSupport.tcl --
#
#       Sourced by the suites of the channel options (options*.test): pairs and
#       listeners, and checks that try several values of an option.

namespace eval opt {
    variable client
    variable server
    variable listener

    variable modes {zero-byte flow-controlled burst-detection adaptive}
    variable modeText "zero-byte, flow-controlled, adaptive or\
        burst-detection ?cap? ?buffercap?, with integers of 1 or more"
}

proc opt::openPair {args} {
    variable client
    variable server
    lassign [support::pair {*}$args] client server
}

proc opt::closePair {} {
    variable client
    variable server
    support::closeAll $client $server
}

proc opt::openListener {} {
    variable listener [support::listen]
}

proc opt::closeListener {} {
    variable listener
    support::closeAll $listener
}

# Connects to the listener. Returns {client accepted}.
proc opt::dial {} {
    variable listener
    set client [support::sock 127.0.0.1 [support::port $listener]]
    return [list $client [support::accept $listener]]
}

# Sets the values, one after the other. Returns the values read back.
proc opt::roundTrip {chan option args} {
    set seen {}
    foreach value $args {
        fconfigure $chan $option $value
        lappend seen [fconfigure $chan $option]
    }
    return $seen
}

# Tries bad values: each must be refused with the right text and leave the
# option unchanged. Returns those that were not. The two options that Tcl 9's
# core has use its text.
proc opt::refused {chan option allowed args} {
    set before [fconfigure $chan $option]
    set wrong {}
    foreach value $args {
        set want "bad value \"$value\" for $option: must be $allowed"
        if {$option in {-keepalive -nodelay}} {
            set want "expected boolean value but got \"$value\""
        }
        set code [catch {fconfigure $chan $option $value} message]
        if {$code != 1 || $message ne $want} {
            lappend wrong [list $value $code $message]
        }
        if {[fconfigure $chan $option] ne $before} {
            lappend wrong [list $value changed to [fconfigure $chan $option]]
        }
    }
    return $wrong
}

# Makes a connection and a listener of the core's driver, to compare with.
proc opt::openCore {} {
    variable coreListener [support::coreSocket -server list \
        -myaddr 127.0.0.1 0]
    variable coreChan [support::coreSocket 127.0.0.1 \
        [support::port $coreListener]]
}

proc opt::closeCore {} {
    variable coreListener
    variable coreChan
    close $coreChan
    support::drain
    close $coreListener
}

# Configures our channel and the core's with the same arguments. Both must fail,
# with the same message. Returns the difference.
proc opt::unlikeCore {chan coreChan args} {
    set code [catch {fconfigure $chan {*}$args} message]
    set coreCode [catch {fconfigure $coreChan {*}$args} coreMessage]
    if {$code != 1 || $coreCode != 1 || $message ne $coreMessage} {
        return [list $code $message but $coreCode $coreMessage]
    }
    return {}
}
