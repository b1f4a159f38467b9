# monitor.tcl --
#
#	The package iocpsock::monitor: the process serves a web page that shows
#	what the driver is doing.
#
#	    package require iocpsock::monitor
#	    set port [iocpsock::monitor ?-option value ...?]
#	    iocpsock::monitor stop
#
#	-port NUMBER		8080; 0 takes a free port
#	-address ADDRESS	127.0.0.1; empty for all addresses
#	-interval MS		1000: the time between two samples, 100 to 60000
#	-maxviewers NUMBER	8: how many viewers can watch at once, 1 to 64
#	-hosts LIST		host names that requests may use, in addition to
#				localhost and all addresses
#	-peers BOOLEAN		whether the peers' addresses are shown; by
#				default only if it listens on loopback
#
#	Routes: / is the page, /events a stream of samples as server-sent
#	events, /snapshot one sample. A sample is a JSON object; the procedure
#	Sample describes it. The monitor needs the event loop.
#
#	Cost: between requests, only the listener. Samples are taken while
#	/events has a reader, and for /snapshot if the last sample is older than
#	-interval. If a client takes too long, or does not read its samples, its
#	connection is reset, and nothing of it is kept.
#
#	The monitor's own connections and its listener are not counted, so that
#	watching does not change the counters. They do use memory.
#
#	Security: it shows counters and the names and peers of channels, but no
#	data, no scripts and no environment. A page of another site cannot read
#	it: the browser must ask by an address or a known name (a name that an
#	attacker's DNS points here is refused), and from a page of this origin.

package require Tcl 8.6-
package require iocpsock
package provide iocpsock::monitor [package provide iocpsock]

namespace eval iocpsock::monitor {
    variable folder [file dirname [file normalize [info script]]]
    variable defaults {
        -port 8080 -address 127.0.0.1 -interval 1000 -maxviewers 8
        -hosts {} -peers {}
    }
    # The range of each option that is a number.
    variable ranges {-port {0 65535} -interval {100 60000} -maxviewers {1 64}}

    # The longest request; how long a request, or the end of an answer, may
    # take; and how many clients may be at that stage. If there are more, the
    # oldest is disconnected.
    variable headBytes 8192
    variable patienceMs 5000
    variable maxAsking 16

    # A viewer that has not read a sample is disconnected after this many
    # further samples. The socket's own buffer is small, so that this shows.
    variable maxSkipped 10
    variable socketBytes 16384

    # Empty while the monitor is off.
    variable listener ""
    variable settings {}
    variable page ""

    # The clients, a dictionary from channels to dictionaries: state ("head",
    # "linger" or "stream"), head (the input so far), timer, skipped.
    variable clients {}

    # The bytes that former clients have moved, and the connections that former
    # listeners have accepted.
    variable own {bytesIn 0 bytesOut 0 accepted 0}

    # The sampler's timer and the time when it is due; the last sample, as
    # JSON, and the time when it was taken.
    variable timer ""
    variable due 0
    variable last ""
    variable lastTime 0

    # The page contains its script and style, and shows all data as plain text.
    # Everything else, from any origin, is forbidden.
    variable policy "default-src 'none'; script-src 'unsafe-inline';\
        style-src 'unsafe-inline'; connect-src 'self'; img-src data:;\
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    variable reasons {
        200 "OK" 400 "Bad Request" 403 "Forbidden" 404 "Not Found"
        405 "Method Not Allowed" 431 "Request Header Fields Too Large"
        503 "Service Unavailable"
    }
}

# iocpsock::monitor --
#
#	Starts the monitor, or stops it and closes its connections. It is no
#	error to stop it when it is off.
#
# Results:
#	The port that it listens on; nothing after "stop".

proc iocpsock::monitor {args} {
    if {$args eq "stop"} {
        return [monitor::Stop]
    }
    tailcall monitor::Start $args
}

#
# Start and stop.
#

proc iocpsock::monitor::Start {options} {
    variable listener
    variable settings
    variable page
    variable socketBytes
    variable patienceMs
    variable last ""
    if {$listener in [chan names]} {
        Fail "the monitor is on already, on port [Port]"
    }
    # The script may have closed all channels, including these.
    Stop
    set settings [Settings $options]
    set page [ReadPage]
    set command [list iocpsock::socket -server [namespace code Accept]]
    if {[dict get $settings -address] ne ""} {
        lappend command -myaddr [dict get $settings -address]
    }
    set listener [{*}$command [dict get $settings -port]]
    # There are only few clients. They inherit these options.
    fconfigure $listener -backlog 4 -sendcap 1 -sosndbuf $socketBytes \
        -closetimeout $patienceMs
    return [Port]
}

proc iocpsock::monitor::Stop {} {
    variable listener
    variable clients
    variable own
    if {$listener eq ""} {
        return
    }
    catch {
        dict incr own accepted \
            [dict get [fconfigure $listener -stats] accepted]
        close $listener
    }
    set listener ""
    foreach sock [dict keys $clients] {
        Drop $sock
    }
    return
}

proc iocpsock::monitor::Port {} {
    variable listener
    return [lindex [fconfigure $listener -sockname] 2]
}

proc iocpsock::monitor::Fail {message} {
    throw {IOCPSOCK MONITOR} $message
}

# iocpsock::monitor::Settings --
#
#	Checks the options and adds the defaults.

proc iocpsock::monitor::Settings {options} {
    variable defaults
    if {[llength $options] == 1 && ![string match -* $options]} {
        throw {TCL WRONGARGS} "wrong # args: should be \"iocpsock::monitor\
            ?-option value ...?\" or \"iocpsock::monitor stop\""
    }
    if {[llength $options] % 2} {
        Fail "value for \"[lindex $options end]\" missing"
    }
    foreach {option value} $options {
        set wrong [Wrong $option $value]
        if {$wrong ne ""} {
            Fail $wrong
        }
    }
    set settings [dict merge $defaults $options]
    if {[dict get $settings -peers] eq ""} {
        set address [dict get $settings -address]
        dict set settings -peers [expr {$address in {localhost ::1}
            || [regexp {^127(\.\d+){3}$} $address]}]
    }
    return $settings
}

# iocpsock::monitor::Wrong --
#
#	Returns an error message for an option, or nothing if it is correct.

proc iocpsock::monitor::Wrong {option value} {
    variable defaults
    variable ranges
    if {![dict exists $defaults $option]} {
        return "unknown option \"$option\": should be one of\
            [join [dict keys $defaults] {, }]"
    }
    set wanted ""
    if {[dict exists $ranges $option]} {
        lassign [dict get $ranges $option] least most
        if {![string is integer -strict $value] || $value < $least
                || $value > $most} {
            set wanted "a number from $least to $most"
        }
    } elseif {$option eq "-peers" && ![string is boolean -strict $value]} {
        set wanted "a boolean"
    } elseif {$option eq "-hosts" && ![string is list $value]} {
        set wanted "a list of names"
    }
    if {$wanted eq ""} {
        return
    }
    return "bad value \"$value\" for $option: should be $wanted"
}

proc iocpsock::monitor::ReadPage {} {
    variable folder
    set chan [open [file join $folder monitor.html] rb]
    try {
        return [read $chan]
    } finally {
        close $chan
    }
}

#
# The clients, from accept to close.
#

proc iocpsock::monitor::Accept {sock args} {
    variable clients
    variable maxAsking
    variable patienceMs
    if {[dict size $clients] - [llength [Viewers]] >= $maxAsking} {
        dict for {oldest client} $clients {
            if {[dict get $client state] ne "stream"} {
                Drop $oldest Cut
                break
            }
        }
    }
    # An answer leaves in one piece.
    fconfigure $sock -blocking 0 -translation binary -buffersize 131072
    dict set clients $sock [dict create state head head "" skipped 0 \
        timer [after $patienceMs [namespace code [list Drop $sock Cut]]]]
    fileevent $sock readable [namespace code [list Readable $sock]]
}

proc iocpsock::monitor::Viewers {} {
    variable clients
    set viewers {}
    dict for {sock client} $clients {
        if {[dict get $client state] eq "stream"} {
            lappend viewers $sock
        }
    }
    return $viewers
}

# iocpsock::monitor::Drop --
#
#	Ends a client's connection, by close or by Cut. The sampler stops after
#	the last viewer.

proc iocpsock::monitor::Drop {sock {how close}} {
    variable clients
    variable own
    after cancel [dict get $clients $sock timer]
    dict unset clients $sock
    # The script may have closed all channels, including this one.
    catch {
        set stats [fconfigure $sock -stats]
        dict incr own bytesIn [dict get $stats bytesIn]
        dict incr own bytesOut [dict get $stats bytesOut]
    }
    catch {$how $sock}
    if {[llength [Viewers]] == 0} {
        StopSampler
    }
}

# iocpsock::monitor::Cut --
#
#	Closes a client's channel and discards unsent output. After a close
#	alone, the driver would go on sending it in the background for a while.

proc iocpsock::monitor::Cut {sock} {
    if {[Unsent $sock] > 0} {
        iocpsock::abort $sock
    } else {
        close $sock
    }
}

proc iocpsock::monitor::Unsent {sock} {
    # Tcl returns -1 after a half-close.
    expr {max(0, [chan pending output $sock])
        + [dict get [fconfigure $sock -stats] sendBuffered]}
}

# iocpsock::monitor::Readable --
#
#	Reads a client's input. Everything after its first request is ignored.

proc iocpsock::monitor::Readable {sock} {
    variable clients
    variable headBytes
    if {[catch {read $sock $headBytes} bytes] || [eof $sock]} {
        Drop $sock
        return
    }
    if {[dict get $clients $sock state] ne "head"} {
        return
    }
    set head [dict get $clients $sock head]$bytes
    dict set clients $sock head $head
    set end [string first \r\n\r\n $head]
    if {$end > $headBytes || $end < 0 && [string length $head] > $headBytes} {
        Answer $sock 431 "The request is too long."
    } elseif {$end >= 0} {
        dict set clients $sock head ""
        Request $sock [string range $head 0 $end-1]
    }
}

# iocpsock::monitor::Answer --
#
#	Sends a complete answer. Then the client closes first: if it has sent
#	more than was read, a close here could lose the answer.

proc iocpsock::monitor::Answer {sock status body {type text/plain} {more ""}} {
    variable clients
    dict set clients $sock state linger
    if {$status != 200} {
        variable reasons
        set body "$status [dict get $reasons $status]. $body\n"
    }
    append more "Content-Length: [string length $body]\r\n"
    if {[catch {
        puts -nonewline $sock [Head $status $type $more]$body
        flush $sock
        close $sock write
    }]} {
        Drop $sock
    }
}

proc iocpsock::monitor::Head {status type more} {
    variable reasons
    variable policy
    return [join [list "HTTP/1.1 $status [dict get $reasons $status]" \
        "Content-Type: $type; charset=utf-8" \
        "Cache-Control: no-store" \
        "Content-Security-Policy: $policy" \
        "Cross-Origin-Opener-Policy: same-origin" \
        "Cross-Origin-Resource-Policy: same-origin" \
        "Referrer-Policy: no-referrer" \
        "X-Content-Type-Options: nosniff" \
        "Connection: close" $more] \r\n]\r\n
}

#
# Requests.
#

# iocpsock::monitor::Request --
#
#	Answers a request.
#
# Arguments:
#	head		The request line and the fields, without the empty line
#			that ends them.

proc iocpsock::monitor::Request {sock head} {
    variable page
    if {[catch {ParseHead $head} request]} {
        return [Answer $sock 400 "This is not a request of HTTP/1."]
    }
    lassign $request method path fields
    if {![IsKnownHost [dict get $fields host]]} {
        return [Answer $sock 403 "Use an address, localhost or a name of -hosts\
            as the host."]
    }
    if {$method ne "GET"} {
        return [Answer $sock 405 "Only GET is supported." text/plain \
            "Allow: GET\r\n"]
    }
    if {$path ne "/" && [IsForeign $fields]} {
        return [Answer $sock 403 "Pages of other sites cannot read this."]
    }
    switch -- $path {
        / { Answer $sock 200 $page text/html }
        /events { Stream $sock }
        /snapshot { Answer $sock 200 [Snapshot] application/json }
        default { Answer $sock 404 "Only /, /events and /snapshot exist." }
    }
}

# iocpsock::monitor::ParseHead --
#
#	Parses a request's head, which must be well-formed and have one host.
#
# Results:
#	A list: the method; the path without a query; and a dictionary from the
#	names of fields, in lower case, to values.

proc iocpsock::monitor::ParseHead {head} {
    set lines [lassign [split [string map {\r\n \n} $head] \n] first]
    if {![regexp {^([A-Z]+) (/[!-~]*) HTTP/1\.[01]$} $first -> method path]} {
        error "bad request line"
    }
    foreach line $lines {
        if {![regexp {^([!-9;-~]+):[ \t]*([\t -~]*)$} $line -> name value]} {
            error "bad field"
        }
        lappend fields([string tolower $name]) [string trim $value]
    }
    if {![info exists fields(host)] || [llength $fields(host)] != 1} {
        error "not one host"
    }
    foreach name [array names fields] {
        dict set all $name [join $fields($name) ,]
    }
    return [list $method [lindex [split $path ?] 0] $all]
}

# iocpsock::monitor::IsKnownHost --
#
#	Tells whether the host of a request is acceptable. DNS rebinding needs a
#	name, so every address is acceptable. The port may be a tunnel's, and is
#	not checked.

proc iocpsock::monitor::IsKnownHost {host} {
    variable settings
    regsub {:\d*$} $host "" name
    set name [string tolower $name]
    expr {[regexp {^(\d+(\.\d+){3}|\[[[:xdigit:]:.]+\])$} $name]
        || $name eq "localhost"
        || $name in [string tolower [dict get $settings -hosts]]}
}

# iocpsock::monitor::IsForeign --
#
#	Tells whether the browser made the request for a page of another site.
#	Such a page could not read the answer, but could take a viewer's place.

proc iocpsock::monitor::IsForeign {fields} {
    if {[dict exists $fields sec-fetch-site]
            && [dict get $fields sec-fetch-site] ni {same-origin none}} {
        return 1
    }
    expr {[dict exists $fields origin]
        && [dict get $fields origin] ne "http://[dict get $fields host]"}
}

#
# The stream of samples.
#

proc iocpsock::monitor::Stream {sock} {
    variable clients
    variable settings
    if {[llength [Viewers]] >= [dict get $settings -maxviewers]} {
        return [Answer $sock 503 "There are too many viewers (-maxviewers)." \
            text/plain "Retry-After: 5\r\n"]
    }
    after cancel [dict get $clients $sock timer]
    dict set clients $sock state stream
    # Send the first sample at once, so that the page has numbers to show.
    Write $sock [Head 200 text/event-stream ""][Event [Snapshot]]
    StartSampler
}

proc iocpsock::monitor::Event {sample} {
    return "data: $sample\n\n"
}

# iocpsock::monitor::Take, iocpsock::monitor::Snapshot --
#
#	Return a sample as JSON. Take makes a new one; Snapshot returns the last
#	one if it is not older than -interval.

proc iocpsock::monitor::Take {lateMs} {
    variable last [Json [Sample $lateMs]]
    variable lastTime [clock milliseconds]
    return $last
}

proc iocpsock::monitor::Snapshot {} {
    variable settings
    variable last
    variable lastTime
    set age [expr {[clock milliseconds] - $lastTime}]
    if {$last eq "" || $age < 0 || $age >= [dict get $settings -interval]} {
        Take 0
    }
    return $last
}

proc iocpsock::monitor::StartSampler {} {
    variable timer
    variable due
    variable settings
    if {$timer eq "" && [llength [Viewers]] > 0} {
        set ms [dict get $settings -interval]
        set due [expr {[clock milliseconds] + $ms}]
        set timer [after $ms [namespace code Tick]]
    }
}

proc iocpsock::monitor::StopSampler {} {
    variable timer
    after cancel $timer
    set timer ""
    ForgetWaiting
}

# iocpsock::monitor::Tick --
#
#	Sends a sample to all viewers. If the event loop was busy, the tick is
#	late: the sample says how much, and missed ticks are skipped.

proc iocpsock::monitor::Tick {} {
    variable timer
    variable due
    variable settings
    set timer ""
    set late [expr {max(0, [clock milliseconds] - $due)}]
    if {[catch {Event [Take $late]} event]} {
        # The script has closed the listener.
        Stop
        return
    }
    set ms [dict get $settings -interval]
    set due [expr {max($due, [clock milliseconds] - $ms) + $ms}]
    set timer [after [expr {max(1, $due - [clock milliseconds])}] \
        [namespace code Tick]]
    foreach sock [Viewers] {
        Send $sock $event
    }
}

# iocpsock::monitor::Send --
#
#	Sends an event to a viewer, unless it has not read the last one yet. So
#	there is never more than one event for each viewer in memory.

proc iocpsock::monitor::Send {sock event} {
    variable clients
    variable maxSkipped
    if {[catch {Unsent $sock} behind]} {
        Drop $sock
        return
    }
    if {$behind == 0} {
        dict set clients $sock skipped 0
        Write $sock $event
        return
    }
    set skipped [expr {[dict get $clients $sock skipped] + 1}]
    dict set clients $sock skipped $skipped
    if {$skipped >= $maxSkipped} {
        Drop $sock Cut
    }
}

proc iocpsock::monitor::Write {sock bytes} {
    if {[catch {
        puts -nonewline $sock $bytes
        flush $sock
    }]} {
        Drop $sock
    }
}

source [file join $iocpsock::monitor::folder monitorSample.tcl]
