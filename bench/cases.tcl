# cases.tcl --
#
# The cases of bench.tcl. A case returns a dict of figures, with a key "us"
# (microseconds for each operation) or "mibs" (MiB per second).

# ------------------------------------------------------------- echo

proc bench::EchoAccept {chan address port} {
    Configure $chan -buffersize 65536
    chan event $chan readable [list bench::Echo $chan]
}

proc bench::Echo {chan} {
    set bytes [read $chan]
    if {$bytes ne {}} {
        puts -nonewline $chan $bytes
    } elseif {[chan eof $chan]} {
        close $chan
    }
}

# The echo server as a separate process, which ends when its stdin ends.
proc bench::case::serve {} {
    lassign [bench::Listen bench::EchoAccept] server port
    puts $port
    flush stdout
    chan configure stdin -blocking 0
    chan event stdin readable {
        read stdin
        if {[eof stdin]} {
            exit 0
        }
    }
    vwait forever
}

proc bench::StartEchoProcess {} {
    global argv argv0
    set driver [lindex $argv 1]
    set pipe [open |[list [info nameofexecutable] $argv0 serve $driver {*}[
        lrange $argv 2 end]] r+]
    return [list $pipe [gets $pipe]]
}

# A complete answer on one connection starts the next request, on the connection
# whose turn it is.
proc bench::Answer {chan} {
    variable clients
    variable next
    variable request
    variable missing
    set bytes [read $chan]
    if {$bytes eq {} && [chan eof $chan]} {
        error "the echo server has closed a connection"
    }
    if {[incr missing($chan) -[string length $bytes]] > 0} {
        return
    }
    if {![Count]} {
        set chan [lindex $clients $next]
        set next [expr {($next + 1) % [llength $clients]}]
        set missing($chan) [string length $request]
        puts -nonewline $chan $request
    }
}

# RoundTrips CONNECTIONS INFLIGHT BYTES PORT
proc bench::RoundTrips {connections inFlight bytes port} {
    variable clients
    variable next
    variable request [string repeat x $bytes]
    variable missing
    set clients [Idle $connections $port -buffersize 65536]
    foreach chan $clients {
        chan event $chan readable [list bench::Answer $chan]
    }
    # Before the measurement, each connection is accepted and served once.
    variable param
    foreach {count seconds} [list $param(count) $param(seconds)] break
    set param(count) $connections
    Start $inFlight
    End
    set param(count) $count
    Start $inFlight
    return [End]
}

proc bench::Start {inFlight} {
    variable clients
    variable next 0
    variable request
    variable missing
    Drain
    Begin
    foreach chan [lrange $clients 0 $inFlight-1] {
        set missing($chan) [string length $request]
        puts -nonewline $chan $request
    }
    set next [expr {$inFlight % [llength $clients]}]
}

# Waits for answers that were outstanding when the last measurement ended.
proc bench::Drain {} {
    variable missing
    variable done 1
    set limit [after 30000 {error "answers are missing"}]
    while {[Owed] > 0} {
        vwait bench::missing
    }
    after cancel $limit
}

proc bench::Owed {} {
    variable missing
    set owed 0
    foreach {chan bytes} [array get missing] {
        incr owed $bytes
    }
    return $owed
}

proc bench::Echoes {connections inFlight bytes} {
    lassign [Listen bench::EchoAccept] server port
    return [RoundTrips $connections $inFlight $bytes $port]
}

# Makes idle connections. The system's queue holds only some thousands that are
# not accepted yet, so the event loop runs in between.
proc bench::Idle {count port args} {
    for {set i 1} {$i <= $count} {incr i} {
        lappend idle [Connect $port {*}$args]
        if {$i % 500 == 0} {
            update
        }
    }
    return $idle
}

proc bench::case::rt1 {} {
    bench::Echoes 1 1 1
}
proc bench::case::rt1-2p {} {
    lassign [bench::StartEchoProcess] pipe port
    set result [bench::RoundTrips 1 1 1 $port]
    close $pipe
    return $result
}
proc bench::case::rt100 {} {
    bench::Echoes 100 100 1
}
proc bench::case::rt-idle1000 {} {
    lassign [bench::Listen bench::EchoAccept] server port
    bench::Idle 1000 $port
    return [bench::RoundTrips 1 1 1 $port]
}
proc bench::case::rt64k {} {
    bench::Echoes 1 1 65536
}

# Ten requests are outstanding; the connections take turns.
foreach connections {1 10 100 1000 5000} {
    proc bench::case::scale-$connections {} \
        "bench::Echoes $connections [expr {min($connections, 10)}] 1"
}

# ------------------------------------------------------------- bulk

proc bench::SinkAccept {size both chan address port} {
    Configure $chan -buffersize $size
    if {$both} {
        Flood $chan $size
    }
    chan event $chan readable [list bench::Sink $chan $size]
}

proc bench::Sink {chan size} {
    variable received
    variable done
    incr received [string length [read $chan $size]]
    if {[chan eof $chan]} {
        close $chan
        return
    }
    while {$received >= 1048576 && !$done} {
        incr received -1048576
        Count
    }
}

# Writes pieces of the buffer's size whenever the channel is writable.
proc bench::Flood {chan size} {
    set piece [string repeat x $size]
    chan event $chan writable [list puts -nonewline $chan $piece]
}

proc bench::Bulk {size both} {
    variable received 0
    lassign [Listen [list bench::SinkAccept $size $both]] server port
    set chan [Connect $port -buffersize $size]
    Begin
    Flood $chan $size
    if {$both} {
        chan event $chan readable [list bench::Sink $chan $size]
    }
    return [EndBytes 1048576]
}

proc bench::case::bulk4k {} {
    bench::Bulk 4096 0
}
proc bench::case::bulk64k {} {
    bench::Bulk 65536 0
}
proc bench::case::bulk1m {} {
    bench::Bulk 1048576 0
}
proc bench::case::bulk-both {} {
    bench::Bulk 65536 1
}

# Makes a temporary file of this size.
proc bench::MakeFile {megabytes} {
    set chan [file tempfile name]
    close $chan
    set chan [open $name w]
    chan configure $chan -translation binary
    set piece [string repeat "0123456789abcdef" 65536]
    for {set i 0} {$i < $megabytes} {incr i} {
        puts -nonewline $chan $piece
    }
    close $chan
    return $name
}

# Sends a file of 100 MB with a command that gets the socket's and the file's
# channels, and measures until the peer has all of it.
proc bench::SendFile {command} {
    variable received 0
    variable param
    set megabytes 100
    set name [MakeFile $megabytes]
    lassign [Listen [list bench::SinkAccept 65536 0]] server port
    set chan [Connect $port -buffersize 65536]
    set file [open $name r]
    chan configure $file -translation binary -buffersize 65536
    set param(count) $megabytes
    Begin
    {*}$command $chan $file
    set result [EndBytes 1048576]
    close $file
    file delete $name
    return $result
}

proc bench::CopyFile {chan file} {
    fcopy $file $chan -command list
}
proc bench::case::fcopy-file {} {
    bench::SendFile bench::CopyFile
}
proc bench::SendFileCommand {chan file} {
    iocpsock::sendfile $chan $file -command list
}
proc bench::case::sendfile {} {
    bench::SendFile bench::SendFileCommand
}

# Copies from one socket to another, in a relay.
proc bench::RelayAccept {port chan address peerPort} {
    Configure $chan -buffersize 65536
    fcopy $chan [Connect $port -buffersize 65536] -command list
}
proc bench::case::fcopy-socket {} {
    variable ::bench::received 0
    lassign [bench::Listen {bench::SinkAccept 65536 0}] server port
    lassign [bench::Listen [list bench::RelayAccept $port]] relay relayPort
    set chan [bench::Connect $relayPort -buffersize 65536]
    bench::Begin
    bench::Flood $chan 65536
    return [bench::EndBytes 1048576]
}

# ------------------------------------------------------ connections

# An operation: connect, accept, send a line, close both ends.
proc bench::LineAccept {chan address port} {
    variable param
    chan configure $chan -blocking 0
    if {$param(mode) ne {}} {
        chan configure $chan -recvmode $param(mode)
    }
    chan event $chan readable [list bench::Line $chan]
}

proc bench::Line {chan} {
    variable linePort
    if {[gets $chan line] < 0 && ![chan eof $chan]} {
        return
    }
    close $chan
    if {$line ne {} && ![Count]} {
        OpenLine $linePort
    }
}

proc bench::OpenLine {port} {
    variable async
    set chan [Socket {*}$async 127.0.0.1 $port]
    chan configure $chan -blocking 0
    puts $chan "a line"
    close $chan
}

proc bench::Connections {atOnce accept} {
    variable linePort
    variable async [expr {$atOnce > 1 ? "-async" : {}}]
    lassign [Listen bench::LineAccept] server linePort
    if {$accept ne {}} {
        chan configure $server -acceptmode $accept
    }
    Begin
    for {set i 0} {$i < $atOnce} {incr i} {
        OpenLine $linePort
    }
    set result [End]
    return [dict set result perSecond [expr {1e6 / [dict get $result us]}]]
}

proc bench::case::conn-seq {} {
    bench::Connections 1 {}
}
proc bench::case::conn-50 {} {
    bench::Connections 50 {}
}
proc bench::case::conn-seq-data {} {
    bench::Connections 1 data
}
proc bench::case::conn-50-data {} {
    bench::Connections 50 data
}

# ----------------------------------------------------------- memory

# Memory of an idle connection, with both its ends in this process. The first
# hundred connections are not counted.
proc bench::case::memory {} {
    variable ::bench::accepted 0
    set count 1000
    lassign [bench::Listen bench::IdleAccept] server port
    set first [bench::IdlePairs 100 $port]
    bench::Sample begin
    set more [bench::IdlePairs $count $port]
    bench::Sample end
    return [dict create ops $count ends [expr {2 * $count}]]
}

proc bench::IdleAccept {chan address port} {
    variable accepted
    Configure $chan
    chan event $chan readable [list bench::Echo $chan]
    incr accepted
}

proc bench::IdlePairs {count port} {
    variable accepted
    set wanted [expr {$accepted + $count}]
    set chans [Idle $count $port]
    foreach chan $chans {
        chan event $chan readable [list bench::Echo $chan]
    }
    while {$accepted < $wanted} {
        vwait bench::accepted
    }
    update
    return $chans
}
