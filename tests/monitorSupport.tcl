# monitorSupport.tcl --
#
#	Sourced by the suites of the live view (monitor*.test). view::start and
#	view::stop are the beginning and the end of a test. view::get makes one
#	request, view::watch opens a stream of samples, and view::snapshot gives
#	members of one sample.

package require iocpsock::monitor

namespace eval view {
    variable port
    variable got
    variable chans {}
}

proc view::start {args} {
    variable port
    variable timers [llength [after info]]
    set port [iocpsock::monitor -port 0 {*}$args]
}

# Returns the number of timers that exist now and did not before view::start.

proc view::timers {} {
    variable timers
    expr {[llength [after info]] - $timers}
}

# Ends everything, and waits until nothing is left.

proc view::stop {} {
    variable chans
    iocpsock::monitor stop
    support::closeAll {*}$chans
    set chans {}
    support::zeroStats
}

# view::send --
#
#	Sends bytes to the monitor. The answer is collected in got($sock), and
#	ends in "(end)" when the monitor has closed the connection.

proc view::send {bytes} {
    variable port
    variable got
    variable chans
    set sock [support::sock 127.0.0.1 $port]
    fconfigure $sock -blocking 0 -translation binary
    lappend chans $sock
    set got($sock) ""
    fileevent $sock readable [list view::More $sock]
    puts -nonewline $sock $bytes
    flush $sock
    return $sock
}

proc view::More {sock} {
    variable got
    if {[catch {append got($sock) [read $sock]}] || [eof $sock]} {
        fileevent $sock readable {}
        append got($sock) (end)
    }
}

proc view::request {path args} {
    return [join [list "GET $path HTTP/1.1" {*}$args "" ""] \r\n]
}

# Sends bytes, and returns the answer when the monitor has closed.

proc view::answer {bytes} {
    variable got
    set sock [send $bytes]
    support::wait ::view::got($sock) {[string match *(end) $::view::got($sock)]}
    close $sock
    return [string range $got($sock) 0 end-5]
}

proc view::get {path args} {
    if {$args eq ""} {
        set args [list "Host: 127.0.0.1"]
    }
    return [answer [request $path {*}$args]]
}

proc view::status {answer} {
    return [lindex [split $answer " "] 1]
}

proc view::body {answer} {
    return [string range $answer [string first \r\n\r\n $answer]+4 end]
}

proc view::field {answer name} {
    if {[regexp -nocase -line "^$name: (.*)\r\$" $answer -> value]} {
        return $value
    }
    return (none)
}

# Returns a member of a sample: a number or a string.

proc view::member {json name} {
    if {![regexp "\"$name\":(?:(-?\\d+)|\"(\[^\"]*)\")" $json -> a b]} {
        error "no $name in $json"
    }
    return $a$b
}

proc view::snapshot {args} {
    set json [body [get /snapshot]]
    return [lmap name $args {member $json $name}]
}

# The same for a sample that is not older than this call.

proc view::freshSnapshot {args} {
    set now [clock milliseconds]
    support::until {[set json [body [get /snapshot]]] ne ""
        && [member $json time] >= $now}
    return [lmap name $args {member $json $name}]
}

# Returns the UDP channels of a new sample as dictionaries.

proc view::udp {} {
    set now [clock milliseconds]
    support::until {[set json [body [get /snapshot]]] ne ""
        && [member $json time] >= $now}
    regexp {"udp":\[(.*?)\]} $json -> rows
    return [lmap row [regexp -all -inline {\{[^\}]*\}} $rows] {
        set facts {}
        foreach {- key number text} [regexp -all -inline \
                {"(\w+)":(?:(\d+)|"([^"]*)")} $row] {
            dict set facts $key $number$text
        }
        set facts
    }]
}

# Returns facts about a channel from such rows.

proc view::row {rows chan args} {
    foreach row $rows {
        if {[dict get $row name] eq $chan} {
            return [lmap key $args {dict get $row $key}]
        }
    }
    return "no row of $chan in $rows"
}

# Sends datagrams to a UDP channel, which does not read them.

proc view::sendTo {chan args} {
    set from [iocpsock::udp 127.0.0.1 [fconfigure $chan -myport]]
    fileevent $chan readable list
    foreach bytes $args {
        iocpsock::sendto $from $bytes
    }
    support::until {[dict get [fconfigure $chan -stats] datagramsIn]
        == [llength $args]}
    fileevent $chan readable {}
    return $from
}

# Returns a viewer that has received its first samples.

proc view::watch {{samples 1}} {
    variable port
    set sock [send [request /events "Host: localhost:$port"]]
    awaitSamples $sock $samples
    return $sock
}

proc view::awaitSamples {sock number} {
    support::wait ::view::got($sock) \
        "\[llength \[view::samples $sock\]\] >= $number"
}

proc view::samples {sock} {
    variable got
    return [regexp -all -inline {data: [^\n]*(?=\n\n)} $got($sock)]
}

proc view::failure {args} {
    list [catch {iocpsock::monitor {*}$args} message options] $message \
        [dict get $options -errorcode]
}
