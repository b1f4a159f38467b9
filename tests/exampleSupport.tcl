# exampleSupport.tcl --
#
#	Sourced by the suites that start examples as processes of their own
#	(examples.test, websocket.test). sample::start and sample::stop are the
#	beginning and the end of a test. sample::client connects and collects
#	what it receives; sample::send and sample::await talk.

namespace eval sample {
    variable folder [file normalize [file join $::support::dir .. examples]]
    variable children {}
    variable chans {}
    variable got
}

# sample::start --
#
#	Starts an example on a free port. Returns the port.

proc sample::start {name args} {
    variable folder
    variable children
    set script [list source [file join $folder $name.tcl]]
    if {$name eq "threads"} {
        # The Thread extension may not be there.
        set file [file join $folder .. tools conformanceThread.tcl]
        if {![file exists $file]} {
            # The self-test has it there.
            set file [file join $::support::dir conformanceThread.tcl]
        }
        set script "[list source $file]\n$script"
    }
    set child [support::child -bare 1 $script -port 0 -stdin quit {*}$args]
    lappend children $child
    set line [support::childLine $child]
    if {![regexp {^listening on 127\.0\.0\.1 (\d+)$} $line -> port]} {
        error "it prints: $line"
    }
    return $port
}

# Ends all examples. Returns their exit statuses and their other output.

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

# Starts an example with wrong options. Returns its exit status and output.

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

# Connects a client whose input is collected.

proc sample::client {port args} {
    return [collect [connect $port {*}$args]]
}

# Collects the input of a channel in got($chan), with (end) at the end.

proc sample::collect {chan} {
    variable got
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

# Waits until the collected input matches a pattern. Takes and returns it.

proc sample::await {chan pattern} {
    variable got
    support::wait ::sample::got($chan) \
        "\[string match [list $pattern] \$::sample::got($chan)\]"
    set came $got($chan)
    set got($chan) ""
    return $came
}

# Connects clients that send some bytes and reset.

proc sample::resets {port count bytes} {
    for {set i 0} {$i < $count} {incr i} {
        set id [testraw connect $port]
        testraw send $id $bytes
        testraw reset $id
    }
}

# Sends a stream to a port that sends it back. Returns the bytes that came back.

proc sample::roundTrip {port total stream} {
    variable result
    unset -nocomplain result
    set chan [connect $port]
    support::sendPattern $chan $total 65536 $stream [list close $chan write]
    support::receivePattern $chan sample::result $stream
    return [support::wait ::sample::result]
}
