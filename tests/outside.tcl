# outside.tcl --
#
#       Runs in Debian's own tclsh, outside Wine: clients of the programs among
#       the examples and of the live view, where waiting, closing and turns
#       matter. Each of these runs on iocpsock in a Windows tclsh of its own,
#       which answers questions about itself (outsideServe.tcl).
#
#           outside.tcl RUNNER ?tcltest options?     RUNNER: tools/tclsh86 or so

package require Tcl 8.6-
package require tcltest 2
namespace import ::tcltest::test

set argv [lassign $argv runner]
tcltest::configure {*}$argv
set argv {}

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

source [file join $outside::here .. examples httpd.tcl]

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

# What a script gives on the Windows side.

proc outside::ask {script} {
    tell $script
    lassign [line] code result
    if {$code ne 0} {
        error "the Windows side says: $result"
    }
    return $result
}

# Has the Windows side stand still, and go on.

proc outside::hold {} {
    tell {puts held; gets stdin}
    line
}

proc outside::release {} {
    ask go
}

# Starts an example there; gives its port.

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

# Starts the web server there, as $server; its log goes to the list "log", and
# each address has a buffer in the system that is soon full.

proc outside::httpd {root args} {
    variable examples
    start
    ask [list source Z:[file join $examples httpd.tcl]]
    ask [concat {set server [httpd::start -port 0 -root} [list Z:$root] $args \]]
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

# How many connections the driver has there.

proc outside::alive {} {
    ask {dict get [iocpsock::stats] connections}
}

# Ends the Windows side and all clients; what was said that nobody asked for.

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

# Has a client read from now on: what comes is collected, with (end) behind.

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

# What a client gets up to the end.

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

# --- 1: the web server ------------------------------------------------------

set root [file normalize [tcltest::makeDirectory outside]]
set www [file join $root www]
file mkdir $www
foreach {name text} {
    www/index.html page www/docs/index.html docs secret.txt SECRET
} {
    file mkdir [file dirname [file join $root $name]]
    set chan [open [file join $root $name] w]
    puts -nonewline $chan $text
    close $chan
}
set chan [open [file join $www 64k.bin] wb]
puts -nonewline $chan [string repeat 0123456789abcdef 4096]
close $chan

# The server stands still until all have sent, so that nothing depends on who is
# faster. What is counted is others' answers: before the last one of a client
# with few requests, and of each flood until the first of them is through.

test outside-1.1 {batches of requests are answered in turns} -body {
    set port [outside::httpd $www]
    outside::hold
    for {set i 0} {$i < 10} {incr i} {
        lappend clients [outside::connect $port \
            [string repeat [outside::request /none$i] 500]]
    }
    lappend clients [outside::connect $port \
        [string repeat [outside::request /few] 3]]
    foreach chan $clients {
        outside::readAll $chan
    }
    outside::until {[lsort -unique [lmap chan $clients {
        chan pending output $chan
    }]] eq "0"}
    outside::release
    outside::untilThere {[llength $log] == 5003}
    set order [outside::ask {
        lmap entry $log {lindex [split [lindex $entry 1]] 1}
    }]
    set few [lindex [lsearch -all $order /few] end]
    foreach path $order {
        if {[incr count($path)] == 500} {
            break
        }
    }
    set least [lindex [lsort -integer [lmap i {0 1 2 3 4 5 6 7 8 9} {
        expr {[info exists count(/none$i)] ? $count(/none$i) : 0}
    }]] 0]
    list [expr {$few < 1000 ? "early" : $few}] \
        [expr {$least > 100 ? "even" : $least}]
} -cleanup {
    outside::stop
} -result {early even}

# A client that has its answers in a driver's buffers, and does not read.

proc outside::taking {port} {
    set chan [connect $port [string repeat [request /64k.bin] 3][
        request /64k.bin "Connection: close"]]
    untilThere {[llength $log] == 4}
    return $chan
}

test outside-1.2 {a client counts until it has everything} -body {
    set port [outside::httpd $www -timeout 600 -maxconnections 1]
    set chan [outside::taking $port]
    set before [list [outside::ask {$server connections}] [outside::alive] \
        [outside::status [outside::fetch $port /]]]
    set bytes [string length [outside::rest $chan]]
    outside::untilThere {[$server connections] == 0}
    lappend before [expr {$bytes > 4 * 65536}] \
        [outside::status [outside::fetch $port /]]
} -cleanup {
    outside::stop
} -result {1 1 503 1 200}

test outside-1.3 {one that does not take its answer leaves nothing} -body {
    set port [outside::httpd $www -timeout 1]
    # Of the one the driver has the rest, of the other Tcl.
    outside::taking $port
    outside::connect $port [string repeat [outside::request /64k.bin] 30]
    outside::untilThere {[llength $log] > 4}
    outside::untilThere {[$server connections] == 0}
    outside::untilThere {[dict get [iocpsock::stats] connections] == 0}
    outside::ask {dict get [iocpsock::stats] bufferBytes}
} -cleanup {
    outside::stop
} -result 0

test outside-1.4 {silent clients make room for others soon} -body {
    set port [outside::httpd $www -maxconnections 5 -first 1 -idle 600]
    for {set i 0} {$i < 5} {incr i} {
        outside::connect $port
    }
    outside::untilThere {[$server connections] == 5}
    set first [outside::status [outside::fetch $port /]]
    outside::until {[outside::status [outside::fetch $port /]] == 200}
    # Who has asked once has more time.
    set chan [outside::connect $port [outside::request /]]
    outside::readAll $chan
    outside::until {[string match *page $outside::got($chan)]}
    outside::untilThere {[$server connections] == 1}
    set late [outside::connect $port]
    outside::rest $late
    outside::put $chan [outside::request /docs/]
    outside::until {[string match *docs $outside::got($chan)]}
    set first
} -cleanup {
    outside::stop
} -result 503

# --- 2: symbolic links ------------------------------------------------------

# Wine shows a link as what it leads to. The server runs in this tclsh.

proc outside::links {www} {
    foreach {name target} {
        in docs/index.html up .. out ../secret.txt docs/here . lost nowhere
    } {
        file delete $www/$name
        exec ln -s $target $www/$name
    }
}

proc outside::linked {port} {
    lmap path {/docs/here/here/index.html /in /up/secret.txt /out
            /docs/here/here/here/up/secret.txt /up/www/index.html /lost} {
        status [fetch $port $path]
    }
}

test outside-2.1 {links that lead out are not followed} -setup {
    outside::links $www
    set server [httpd::start -root $www -port 0 -socket ::socket]
} -body {
    outside::linked [$server port]
} -cleanup {
    $server destroy
} -result {200 200 404 404 404 200 404}

test outside-2.2 {...unless they are asked for} -setup {
    outside::links $www
    set server [httpd::start -root $www -port 0 -socket ::socket -links 1]
} -body {
    outside::linked [$server port]
} -cleanup {
    $server destroy
} -result {200 200 200 200 404 200 404}

test outside-2.3 {the folder itself may be a link} -setup {
    outside::links $www
    exec ln -sf www $root/link
    set server [httpd::start -root $root/link -port 0 -socket ::socket]
} -body {
    outside::linked [$server port]
} -cleanup {
    $server destroy
} -result {200 200 404 404 404 200 404}

# As on Windows, of whose kinds of links Tcl resolves only some.

test outside-2.4 {a link that Tcl does not resolve counts as leading out} -setup {
    outside::links $www
    set server [httpd::start -root $www -port 0 -socket ::socket]
    rename httpd::RealName outside::realName
    proc httpd::RealName {file} {
        return $file
    }
} -body {
    lmap path {/docs/index.html /docs/here/index.html /up/www/index.html /in} {
        outside::status [outside::fetch [$server port] $path]
    }
} -cleanup {
    rename httpd::RealName {}
    rename outside::realName httpd::RealName
    $server destroy
} -result {200 404 404 404}

# --- 3: the small servers ---------------------------------------------------

# What a server is told to send is soon more than the system takes.

proc outside::small {name args} {
    set port [program $name {*}$args]
    ask {fconfigure $program::listener -sosndbuf 4096}
    return $port
}

# A client that does not read. Returns when the driver has taken for it what it
# may.

proc outside::unread {port {bytes ""}} {
    set chan [connect $port $bytes]
    untilThere {[lsearch [lmap chan [chan names sock*] {
        expr {[catch {dict get [fconfigure $chan -stats] sendPending} n]
            ? 0 : $n}
    }] 4] >= 0}
    return $chan
}

# The sockets there, but for the given ones.

proc outside::others {args} {
    ask "set but \[list [join $args]]"
    ask {lmap chan [chan names sock*] {
        if {$chan in $but} {
            continue
        }
        set chan
    }}
}

test outside-3.1 {echo: one that is being closed counts} -body {
    set port [outside::small echo -maxclients 1 -closetimeout 0]
    set chan [outside::unread $port [string repeat x 2000000]]
    outside::ask "finish [outside::others \$program::listener] 0"
    set seen [list [outside::alive] [outside::rest [outside::connect $port]]]
    lappend seen [expr {[string length [outside::rest $chan]] > 262144}]
    outside::untilThere {[program::connections] == 0}
    set chan [outside::connect $port hello]
    close $chan write
    lappend seen [outside::rest $chan]
} -cleanup {
    outside::stop
} -result {1 {} 1 hello}

test outside-3.2 {echo: a close that ends} -body {
    set port [outside::small echo -maxclients 1 -closetimeout 500]
    outside::unread $port [string repeat x 2000000]
    outside::ask "finish [outside::others \$program::listener] 0"
    outside::untilThere {[program::connections] == 0}
    outside::ask {dict get [iocpsock::stats] bufferBytes}
} -cleanup {
    outside::stop
} -result 0

# A server that says much, for the relay.

proc outside::talker {chan args} {
    variable chans
    lappend chans $chan
    fconfigure $chan -blocking 0 -translation binary
    puts -nonewline $chan [string repeat x 2000000]
    flush $chan
}

# As when the server's side of the only connection has failed.

proc outside::breakRelay {} {
    set server [ask {lindex [dict keys $servers] 0}]
    ask "copied [others \$program::listener $server] $server 0 broken"
}

test outside-3.3 {relay: a close that ends, and what counts until then} -body {
    set server [socket -server outside::talker -myaddr 127.0.0.1 0]
    lappend outside::chans $server
    set port [outside::small relay -maxclients 1 -closetimeout 0 \
        -backends 127.0.0.1:[lindex [fconfigure $server -sockname] 2]]
    set chan [outside::unread $port]
    outside::breakRelay
    set seen [list [outside::alive] [outside::rest [outside::connect $port]]]
    close $chan
    outside::untilThere {[program::connections] == 0}
    outside::ask {dict set program::options -closetimeout 300}
    outside::ask {program::bound $program::listener}
    outside::unread $port
    outside::breakRelay
    outside::untilThere {[program::connections] == 0}
    lappend seen [outside::ask {dict get [iocpsock::stats] bufferBytes}]
} -cleanup {
    outside::stop
} -result {1 {} 0}

test outside-3.4 {chat: of one that does not read nothing is left} -body {
    set port [outside::small chat -maxline 30000 -closetimeout 0]
    set ann [outside::connect $port Ann\n]
    outside::readAll $ann
    set bob [outside::connect $port Bob\n]
    outside::until {[string match "*Bob comes*" $outside::got($ann)]}
    set line [string repeat x 29000]\n
    while {![string match "*Bob goes*" $outside::got($ann)]} {
        set outside::got($ann) ""
        # No more than the driver and the program would hold for her.
        outside::put $ann $line$line
        outside::until {[string length $outside::got($ann)] > 58000
            || [string match "*Bob goes*" $outside::got($ann)]}
    }
    outside::untilThere {[program::connections] == 1}
    outside::put $ann /who\n
    outside::until {[string match "*here: Ann\r\n*" $outside::got($ann)]}
} -cleanup {
    outside::stop
} -result {}

proc outside::webSocket {port frames} {
    connect $port [join {"GET / HTTP/1.1" "Host: localhost"
        "Upgrade: websocket" "Connection: Upgrade" "Sec-WebSocket-Version: 13"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "" ""} \r\n]$frames
}

# A message of zeros, not masked to speak of.

proc outside::message {length} {
    binary format cucuSua4x$length 0x82 254 $length {}
}

test outside-3.5 {websocket: of one that breaks the rules nothing is left} -body {
    set port [outside::small websocket -timeout 300 -closetimeout 0]
    # Its answers, and then the close, wait for it.
    outside::webSocket $port [string repeat [outside::message 50000] 5]\xff\xff
    outside::untilThere {[dict get [iocpsock::stats] accepted] == 1}
    outside::untilThere {[program::connections] == 0}
    outside::ask {dict get [iocpsock::stats] bufferBytes}
} -cleanup {
    outside::stop
} -result 0

test outside-3.6 {websocket: many small frames are handled in turns} -body {
    set port [outside::small websocket]
    outside::ask {rename handle handleFrame}
    outside::ask {set order {}}
    outside::ask {proc handle {chan final opcode payload} {
        lappend ::order $opcode,$payload
        handleFrame $chan $final $opcode $payload
    }}
    outside::hold
    # Pings, with a number, masked with zeros.
    for {set i 0} {$i < 5} {incr i} {
        outside::readAll [outside::webSocket $port \
            [string repeat [binary format cucux4a1 0x89 129 $i] 2000]]
    }
    outside::readAll [outside::webSocket $port \
        [binary format cucux4a1 0x89 129 z]]
    outside::release
    outside::untilThere {[llength $order] == 10001}
    set order [outside::ask {set order}]
    set one [lsearch $order 9,z]
    expr {$one < 2000 ? "early" : $one}
} -cleanup {
    outside::stop
} -result early

# --- 4: the live view -------------------------------------------------------

test outside-4.1 {a viewer that does not read is dropped for good} -body {
    outside::start
    outside::ask {package require iocpsock::monitor}
    # Each sample is long, so that little of them fills the system's buffers.
    outside::ask {proc iocpsock::monitor::Json {sample} {
        string repeat x 300000
    }}
    set port [outside::ask {iocpsock::monitor -port 0 -interval 100}]
    outside::connect $port [outside::request /events]
    outside::untilThere {[llength [iocpsock::monitor::Viewers]] == 1}
    outside::untilThere {[llength [iocpsock::monitor::Viewers]] == 0}
    outside::untilThere {[dict get [iocpsock::stats] connections] == 0}
    # Of what the process has, nothing is the monitor's.
    outside::ask {dict get [iocpsock::monitor::Sample 0] connections}
} -cleanup {
    outside::stop
} -result 0

tcltest::removeDirectory outside
set failed [expr {$tcltest::numTests(Failed) != 0
    || $tcltest::numTests(Passed) == 0}]
tcltest::cleanupTests
exit $failed
