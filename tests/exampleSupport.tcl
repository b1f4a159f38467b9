# exampleSupport.tcl --
#
#	Helpers of the suites that start examples as processes of their own.

namespace eval sample {
    variable folder [file normalize [file join $::support::dir .. examples]]
    variable children {}
    variable chans {}
    variable got
}

# sample::start --
#
#	Starts an example on a free port, and gives the port.

proc sample::start {name args} {
    variable folder
    variable children
    set script [list source [file join $folder $name.tcl]]
    if {$name eq "threads"} {
        # The Thread extension may not be there.
        set file [file join $folder .. tools conformanceThread.tcl]
        if {![file exists $file]} {
            # As the self-test has it.
            set file [file join $::support::dir conformanceThread.tcl]
        }
        set script "[list source $file]\n$script"
    }
    set child [support::child -bare 1 $script -port 0 -stdin quit {*}$args]
    lappend children $child
    set line [support::childLine $child]
    if {![regexp {^listening on 127\.0\.0\.1 (\d+)$} $line -> port]} {
        error "it says: $line"
    }
    return $port
}

# Ends all; what their exit statuses are, and what they have said besides.

proc sample::stop {} {
    variable children
    variable chans
    support::closeAll {*}$chans
    set ends {}
    foreach child $children {
        close $child write
        lappend ends {*}[dict values [support::childEnd $child]]
    }
    set children {}
    set chans {}
    return $ends
}

# What an example says to options that are wrong, and its exit status.

proc sample::refusal {name args} {
    variable folder
    set end [support::runChild -bare 1 \
        [list source [file join $folder $name.tcl]] {*}$args]
    return [list [dict get $end status] {*}[dict get $end output]]
}

proc sample::connect {port args} {
    variable chans
    set chan [support::sock 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -translation binary {*}$args
    lappend chans $chan
    return $chan
}

# A client of which all that comes is collected, with (end) at the end.

proc sample::client {port args} {
    variable got
    set chan [connect $port {*}$args]
    set got($chan) ""
    fileevent $chan readable [list sample::More $chan]
    return $chan
}

proc sample::More {chan} {
    variable got
    if {[catch {append got($chan) [read $chan]}] || [eof $chan]} {
        fileevent $chan readable {}
        append got($chan) (end)
    }
}

proc sample::send {chan bytes} {
    puts -nonewline $chan $bytes
    flush $chan
}

# Waits until what has come matches a pattern; this is taken then.

proc sample::await {chan pattern} {
    variable got
    support::wait ::sample::got($chan) \
        "\[string match [list $pattern] \$::sample::got($chan)\]"
    set came $got($chan)
    set got($chan) ""
    return $came
}
