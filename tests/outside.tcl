# outside.tcl --
#
#       Runs in Debian's own tclsh, outside Wine: clients of the example
#       programs and of the live view, where waiting, closing and turns matter.
#       Each program runs on iocpsock in a Windows tclsh of its own, which
#       answers questions about itself (outsideServe.tcl).
#
#           outside.tcl RUNNER ?tcltest options?

source [file join [file dirname [file normalize [info script]]] \
    nativeSupport.tcl]
source [file join $here .. examples httpd.tcl]
source [file join $here outsideSupport.tcl]

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

# The server waits until all clients have sent, so that their speed does not
# matter. The test counts the answers to others before the last one of a client
# with few requests, and those to each flood until the first flood has all.

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

# Returns a client whose answers are in the driver's buffers. It does not read.

proc outside::taking {port} {
    set chan [connect $port [string repeat [request /64k.bin] 2][
        request /64k.bin "Connection: close"]]
    untilThere {[llength $log] == 3}
    return $chan
}

test outside-1.2 {a client counts until it has received everything} -body {
    set port [outside::httpd $www -timeout 600 -maxconnections 1]
    set chan [outside::taking $port]
    set before [list [outside::ask {$server connections}] [outside::alive] \
        [outside::status [outside::fetch $port /]]]
    set bytes [string length [outside::rest $chan]]
    outside::untilThere {[$server connections] == 0}
    lappend before [expr {$bytes > 3 * 65536}] \
        [outside::status [outside::fetch $port /]]
} -cleanup {
    outside::stop
} -result {1 1 503 1 200}

test outside-1.3 {a client that does not read its answer leaves nothing} -body {
    set port [outside::httpd $www -timeout 1]
    # The driver has the rest of the first answer, Tcl that of the second.
    outside::taking $port
    outside::connect $port [string repeat [outside::request /64k.bin] 30]
    outside::untilThere {[llength $log] > 3}
    outside::untilThere {[$server connections] == 0}
    outside::untilThere {[dict get [iocpsock::stats] connections] == 0}
    outside::ask {dict get [iocpsock::stats] bufferBytes}
} -cleanup {
    outside::stop
} -result 0

# Only the test advances the server's clock.

test outside-1.4 {silent clients soon make room for others} -body {
    set port [outside::httpd $www -maxconnections 5]
    outside::ask {after cancel $httpd::timer}
    for {set i 0} {$i < 4} {incr i} {
        lappend silent [outside::connect $port]
    }
    set chan [outside::connect $port [outside::request /]]
    outside::readAll $chan
    outside::until {[string match *page $outside::got($chan)]}
    outside::untilThere {[$server connections] == 5}
    set seen [outside::status [outside::fetch $port /]]
    outside::ask {incr httpd::now 12; $server sweep}
    lappend seen {*}[lmap client $silent {outside::rest $client}]
    # A client that has made a request has more time.
    lappend seen [outside::status [outside::fetch $port /]]
    outside::put $chan [outside::request /docs/]
    outside::until {[string match *docs $outside::got($chan)]}
    outside::ask {incr httpd::now 62; $server sweep}
    outside::until {[string match *docs(end) $outside::got($chan)]}
    set seen
} -cleanup {
    outside::stop
} -result {503 {} {} {} {} 200}

# --- 2: symbolic links ------------------------------------------------------

# Wine resolves links itself. Therefore the server runs in this tclsh.

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

test outside-2.1 {links out of the folder are not followed} -setup {
    outside::links $www
    set server [httpd::start -root $www -port 0 -socket ::socket]
} -body {
    outside::linked [$server port]
} -cleanup {
    $server destroy
} -result {200 200 404 404 404 200 404}

test outside-2.2 {-links 1 follows links out of the folder} -setup {
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

# Of the kinds of links on Windows, Tcl resolves only some.

test outside-2.4 {a link that Tcl does not resolve is not followed} -setup {
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

# Starts a server whose system buffers are soon full.

proc outside::small {name args} {
    set port [program $name {*}$args]
    ask {fconfigure $program::listener -sosndbuf 4096}
    return $port
}

# Returns a client that does not read, when the driver has taken for it as much
# as it may.

proc outside::unread {port {bytes ""}} {
    set chan [connect $port $bytes]
    untilThere {[lsearch [lmap chan [chan names sock*] {
        expr {[catch {dict get [fconfigure $chan -stats] sendPending} n]
            ? 0 : $n}
    }] 4] >= 0}
    return $chan
}

# Returns the sockets of the Windows side except the given ones.

proc outside::others {args} {
    ask "set but \[list [join $args]]"
    ask {lmap chan [chan names sock*] {
        if {$chan in $but} {
            continue
        }
        set chan
    }}
}

test outside-3.1 {echo: a connection that is being closed counts} -body {
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

test outside-3.2 {echo: a close ends after its timeout} -body {
    set port [outside::small echo -maxclients 1 -closetimeout 500]
    outside::unread $port [string repeat x 2000000]
    outside::ask "finish [outside::others \$program::listener] 0"
    outside::untilThere {[program::connections] == 0}
    outside::ask {dict get [iocpsock::stats] bufferBytes}
} -cleanup {
    outside::stop
} -result 0

# A server that sends much, for the relay.

proc outside::talker {chan args} {
    variable chans
    lappend chans $chan
    fconfigure $chan -blocking 0 -translation binary
    puts -nonewline $chan [string repeat x 2000000]
    flush $chan
}

# Does as if the server's side of the only connection had failed.

proc outside::breakRelay {} {
    set server [ask {lindex [dict keys $servers] 0}]
    ask "copied [others \$program::listener $server] $server 0 broken"
}

test outside-3.3 {relay: a close ends after its timeout, and counts until\
        then} \
-body {
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

test outside-3.4 {chat: a client that does not read is dropped} -body {
    set port [outside::small chat -maxline 30000 -closetimeout 0]
    set ann [outside::connect $port Ann\n]
    outside::readAll $ann
    set bob [outside::connect $port Bob\n]
    outside::until {[string match "*Bob comes*" $outside::got($ann)]}
    set line [string repeat x 29000]\n
    while {![string match "*Bob goes*" $outside::got($ann)]} {
        set outside::got($ann) ""
        # This is no more than the driver and the program hold for Ann.
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

# A message of zeros, with a mask of zeros.

proc outside::message {length} {
    binary format cucuSua4x$length 0x82 254 $length {}
}

test outside-3.5 {websocket: a client that breaks the rules is dropped} -body {
    set port [outside::small websocket -closetimeout 0]
    # The answers, and then the close, wait for the client.
    set chan [outside::webSocket $port \
        [string repeat [outside::message 50000] 5]]
    outside::untilThere {[lindex [array get timer] 1] eq ""
        && [array size timer] == 1}
    outside::ask {dict set options -timeout 300}
    outside::put $chan \xff\xff
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
    # Pings with the client's number, and a mask of zeros.
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

test outside-4.1 {a viewer that does not read is dropped} -body {
    outside::start
    outside::ask {package require iocpsock::monitor}
    # Long samples soon fill the system's buffers.
    outside::ask {proc iocpsock::monitor::Json {sample} {
        string repeat x 300000
    }}
    set port [outside::ask {iocpsock::monitor -port 0 -interval 100}]
    outside::ask {trace add execution iocpsock::monitor::Stream leave \
        {set ::streamed 1 ;#}}
    outside::connect $port [outside::request /events]
    outside::untilThere {[info exists streamed]
        && [llength [iocpsock::monitor::Viewers]] == 0}
    outside::untilThere {[dict get [iocpsock::stats] connections] == 0}
    # No connection is left, and the monitor does not count its own.
    outside::ask {dict get [iocpsock::monitor::Sample 0] connections}
} -cleanup {
    outside::stop
} -result 0

tcltest::removeDirectory outside
native::endTests
