# outsideSupport.tcl --
#
#       Sourced by outside.tcl. It asks a Windows tclsh that runs
#       outsideServe.tcl, has clients of its own, and waits for both.

namespace eval outside {
    variable here [file dirname [file normalize [info script]]]
    variable examples [file join $here .. examples]
    variable pipe
    variable lines {}
    variable ended 0
    variable chans {}
    variable got
    variable guardMs 30000
}

# --- the Windows side -------------------------------------------------------

proc outside::start {} {
    variable pipe
    variable here
    variable lines {}
    set pipe [open "|[list $::runner [file join $here outsideServe.tcl]]\
        2>@stderr" r+]
    fconfigure $pipe -buffering line -blocking 0 -encoding utf-8
    fileevent $pipe readable outside::LineReady
}

proc outside::LineReady {} {
    variable pipe
    variable lines
    if {[gets $pipe line] >= 0} {
        lappend lines [string trimright $line \r]
    } elseif {[eof $pipe]} {
        fileevent $pipe readable {}
        lappend lines "2 {the Windows side has ended}"
    }
}

# Serves events until an expression is true in the caller's scope.

proc outside::until {condition} {
    variable guardMs
    set deadline [expr {[clock milliseconds] + $guardMs}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} {
            error "waited in vain for {$condition}"
        }
        after 5 {set outside::pulse 1}
        vwait outside::pulse
    }
}

proc outside::line {} {
    variable lines
    until {[llength $lines]}
    set lines [lassign $lines first]
    return $first
}

proc outside::tell {script} {
    variable pipe
    puts $pipe [string map {\n " ; "} $script]
}

# Runs a script on the Windows side. Returns its result.

proc outside::ask {script} {
    tell $script
    lassign [line] code result
    if {$code ne 0} {
        error "the Windows side says: $result"
    }
    return $result
}

# Stops the Windows side, and lets it continue.

proc outside::hold {} {
    tell {puts held; gets stdin}
    line
}

proc outside::release {} {
    ask go
}

# Starts an example on the Windows side. Returns its port.

proc outside::program {name args} {
    variable examples
    start
    ask [list set argv [list -port 0 {*}$args]]
    tell [list source Z:[file join $examples $name.tcl]]
    set line [line]
    if {![regexp {^listening on 127\.0\.0\.1 (\d+)$} $line -> port]} {
        error "$name says: $line"
    }
    return $port
}

# Starts the web server on the Windows side, as $server. Its log is the list
# "log". The system's buffers for its connections are soon full.

proc outside::httpd {root args} {
    variable examples
    start
    ask [list source Z:[file join $examples httpd.tcl]]
    ask [list set options [list -port 0 -root Z:$root {*}$args]]
    ask {set server [httpd::start {*}$options]}
    ask {oo::objdefine $server method log {args} {lappend ::log $args}}
    ask {set log {}}
    ask {foreach listener [chan names sock*] {
        fconfigure $listener -sosndbuf 4096
    }}
    ask {$server port}
}

# Waits until an expression is true on the Windows side.

proc outside::untilThere {condition} {
    variable guardMs
    set condition [regsub -all {\s+} $condition " "]
    set deadline [expr {[clock milliseconds] + $guardMs}]
    while {![ask [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} {
            error "waited in vain for {$condition}, there"
        }
        after 5 {set outside::pulse 1}
        vwait outside::pulse
    }
}

# Returns the number of the driver's connections on the Windows side.

proc outside::alive {} {
    ask {dict get [iocpsock::stats] connections}
}

# Ends the Windows side and all clients. Returns the lines that nobody took.

proc outside::stop {} {
    variable pipe
    variable lines
    variable chans
    foreach chan $chans {
        catch {close $chan}
    }
    set chans {}
    if {![info exists pipe]} {
        return
    }
    set ids [pid $pipe]
    catch {close $pipe write}
    if {[catch {until {[eof $pipe]}}]} {
        foreach id $ids {
            catch {exec kill $id}
        }
    }
    fconfigure $pipe -blocking 1
    catch {close $pipe}
    unset pipe
    return [lrange $lines 0 end-1]
}

# --- clients ----------------------------------------------------------------

# A client that does not read.

proc outside::connect {port {bytes ""}} {
    variable chans
    set chan [socket 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    lappend chans $chan
    put $chan $bytes
    return $chan
}

proc outside::put {chan bytes} {
    puts -nonewline $chan $bytes
    flush $chan
}

# Makes a client read: its bytes are collected in got, with (end) at the end.

proc outside::readAll {chan} {
    variable got
    set got($chan) ""
    fileevent $chan readable [list outside::More $chan]
}

proc outside::More {chan} {
    variable got
    if {[catch {append got($chan) [read $chan]}] || [eof $chan]} {
        fileevent $chan readable {}
        append got($chan) (end)
    }
}

# Returns the bytes that a client receives up to the end.

proc outside::rest {chan} {
    variable got
    readAll $chan
    until {[string match *(end) $got($chan)]}
    close $chan
    return [string range $got($chan) 0 end-5]
}

proc outside::request {path args} {
    join [list "GET $path HTTP/1.1" "Host: localhost" {*}$args "" ""] \r\n
}

proc outside::fetch {port path} {
    rest [connect $port [request $path "Connection: close"]]
}

proc outside::status {answer} {
    lindex [split $answer " "] 1
}
