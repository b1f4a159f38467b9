# programsSupport.tcl --
#
#	Sourced by the suites of whole programs (programs*.test). It installs
#	the driver as ::socket, as such programs use it, and closes the
#	channels of a test.

support::install

namespace eval prog {
    variable chans {}
    variable got
    variable sent
}

# Adds channels that are closed at the end of the test.

proc prog::keep {args} {
    variable chans
    support::mustBeOurs {*}$args
    lappend chans {*}$args
}

proc prog::pair {args} {
    set pair [support::pair -blocking 0 {*}$args]
    keep {*}$pair
    return $pair
}

proc prog::closeAll {} {
    variable chans
    support::closeAll {*}$chans
    set chans {}
}

# Closes them. Returns the counters of what is left: 0.

proc prog::ended {} {
    closeAll
    lsort -unique [dict values [support::zeroStats]]
}

# Reads by events up to the end of file. Returns the bytes.

proc prog::awaitEnd {chan} {
    variable rest {}
    unset -nocomplain ::prog::got
    fileevent $chan readable [list ::prog::Rest $chan]
    support::wait ::prog::got
    return $rest
}

proc prog::Rest {chan} {
    variable rest
    append rest [read $chan]
    if {[eof $chan]} {
	fileevent $chan readable {}
	set ::prog::got end
    }
}
