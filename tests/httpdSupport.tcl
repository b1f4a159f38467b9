# httpdSupport.tcl --
#
#	Sourced by the suites of examples/httpd.tcl (httpd*.test). It makes a
#	folder of files, serves it as $web::server, and provides a client:
#
#	web::get, web::status, web::body  one request, and the answer or a
#					  part of it
#	web::ask			  bytes as they are, and the answers
#	web::connect, send, finish	  a connection step by step
#	web::stop			  the end of a suite

source [file join [file dirname [file normalize [info script]]] \
    .. examples httpd.tcl]

namespace eval web {
    variable root [file join [tcltest::temporaryDirectory] www]
    variable program [file join [file dirname [file normalize [info script]]] \
        .. examples httpd.tcl]
    variable server
    variable serial 0
    variable raw
    variable ended
    variable crlf \r\n
    variable page "<p>It works</p>\n"
}

# The files that are served, and others that must not be.

proc web::makeFile {name data} {
    variable root
    set name [file join $root {*}[split $name /]]
    file mkdir [file dirname $name]
    set chan [open $name wb]
    puts -nonewline $chan $data
    close $chan
    return $name
}

proc web::makeFiles {} {
    variable page
    makeFile ../secret.txt SECRET
    makeFile index.html $page
    makeFile empty.txt ""
    makeFile digits.txt 0123456789
    makeFile 64k.bin [support::pattern 0 65536]
    makeFile big.bin [support::pattern 0 700001]
    makeFile "with spaces.txt" spaces
    makeFile "gr\u00f6\u00dfe.txt" umlauts
    makeFile odd.name odd
    makeFile docs/index.html docs
    makeFile none/file.css css
    makeFile .hidden SECRET
    makeFile .git/config SECRET
    makeFile .well-known/x known
    makeFile "a..b" dots
}

proc web::start {args} {
    variable root
    return [httpd::start -root $root -port 0 -socket $::support::command \
        -hosts * -first 60 {*}$args]
}

# web::connect --
#
#	Returns a client's socket. The bytes that it receives are collected in
#	raw($sock). ended($sock) exists after the end of file.

proc web::connect {server} {
    set sock [support::sock 127.0.0.1 [$server port]]
    fconfigure $sock -blocking 0 -translation binary -buffersize 65536
    variable raw
    set raw($sock) ""
    fileevent $sock readable [list web::More $sock]
    return $sock
}

proc web::More {sock} {
    variable raw
    variable ended
    if {[catch {append raw($sock) [read $sock]} message]} {
        fileevent $sock readable {}
        set ended($sock) $message
    } elseif {[eof $sock]} {
        fileevent $sock readable {}
        set ended($sock) eof
    }
}

proc web::send {sock bytes} {
    puts -nonewline $sock $bytes
    flush $sock
}

# web::finish --
#
#	Waits until the server has closed the connection, and closes this end.
#	Returns the bytes that were received.

proc web::finish {sock} {
    variable raw
    variable ended
    try {
        support::wait ::web::ended($sock)
        if {$ended($sock) ne "eof"} {
            error "the connection broke: $ended($sock)"
        }
        return $raw($sock)
    } finally {
        close $sock
        unset -nocomplain raw($sock) ended($sock)
    }
}

# web::parse --
#
#	Parses the answers to requests of these methods, in this order.
#
# Results:
#	A list of dictionaries: status, body, fields (a dictionary).

proc web::parse {bytes methods} {
    set answers {}
    set start 0
    foreach method $methods {
        set end [string first \r\n\r\n $bytes $start]
        if {$end < 0} {
            error "no head in \"[string range $bytes $start $start+99]\""
        }
        set lines [split [string range $bytes $start $end+1] \n]
        set start [expr {$end + 4}]
        if {![regexp {^HTTP/1\.1 (\d\d\d) .+\r$} [lindex $lines 0] -> status]} {
            error "bad status line \"[lindex $lines 0]\""
        }
        set fields {}
        foreach line [lrange $lines 1 end-1] {
            if {![regexp {^([^ :]+): (.*)\r$} $line -> name value]} {
                error "bad line \"$line\""
            }
            dict set fields [string tolower $name] $value
        }
        set length 0
        if {$method ne "HEAD" && $status ni {100 304}} {
            set length [dict get $fields content-length]
        }
        set body [string range $bytes $start [expr {$start + $length - 1}]]
        if {[string length $body] != $length} {
            error "[string length $body] bytes of $length"
        }
        incr start $length
        lappend answers [dict create status $status fields $fields body $body]
    }
    if {$start != [string length $bytes]} {
        error "stray bytes: \"[string range $bytes $start $start+99]\""
    }
    return $answers
}

# web::ask --
#
#	Sends bytes, and returns the answers when the server has closed the
#	connection.

proc web::ask {server bytes {methods GET}} {
    set sock [connect $server]
    send $sock $bytes
    return [parse [finish $sock] $methods]
}

# web::fetch --
#
#	Sends one request; further arguments are header fields. Returns the
#	answer.

proc web::fetch {server method path args} {
    lindex [ask $server [request $method $path {*}$args "Connection: close"] \
        $method] 0
}

proc web::request {method path args} {
    join [list "$method $path HTTP/1.1" "Host: test" {*}$args "" ""] \r\n
}

proc web::get {path args} {
    variable server
    fetch $server GET $path {*}$args
}

proc web::status {path args} {
    dict get [get $path {*}$args] status
}

proc web::body {path args} {
    dict get [get $path {*}$args] body
}

proc web::field {answer name} {
    set fields [dict get $answer fields]
    if {[dict exists $fields $name]} {
        return [dict get $fields $name]
    }
    return "(none)"
}

# web::refused --
#
#	Returns the status that the server gives to bytes which must end the
#	connection.

proc web::refused {bytes} {
    variable server
    set answer [lindex [ask $server $bytes] 0]
    if {[field $answer connection] ne "close"} {
        return "the connection should be closed"
    }
    dict get $answer status
}

# web::awaitRaw --
#
#	Waits until the bytes that a client has received match a pattern.

proc web::awaitRaw {sock pattern} {
    support::wait ::web::raw($sock) {
        [string match $pattern $::web::raw($sock)]
    }
}

proc web::gone {server} {
    support::until {[$server connections] == 0}
}

# web::stop --
#
#	Ends a suite: no connection may be left.

proc web::stop {} {
    variable server
    variable root
    gone $server
    $server destroy
    file delete -force $root
    file delete [file join [tcltest::temporaryDirectory] secret.txt]
}

web::makeFiles
set ::web::server [web::start]
