# regressSupport.tcl --
#
#       Sourced by the suites of earlier drivers' faults (regress*.test): pairs
#       that are closed together.

namespace eval reg {
    variable got
    variable count
    variable chans {}
}

proc reg::pair {args} {
    variable chans
    set pair [support::pair {*}$args]
    lappend chans {*}$pair
    return $pair
}

proc reg::closeAll {} {
    variable chans
    support::closeAll {*}$chans
    set chans {}
}
