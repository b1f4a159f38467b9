# questions-ending.tcl --
#
#       How connections end: by a close, by the end of the process, or because
#       they are refused.

# Runs the script in another process, with the port of a listener here, and
# accepts its connections. Returns a dict that counts how they ended; "whole"
# means all bytes and then the end of file.

proc receiveConnections {count bytes script args} {
    lassign [testraw listen] listener port
    set peer [support::child $script $port {*}$args]
    for {set i 0} {$i < $count} {incr i} {
        dict incr ends [ending [testraw accept $listener] $bytes]
    }
    testraw close $listener
    peerEnds $peer
    return $ends
}

question exit-without-close 90 {
    When a process ends, Windows resets its open sockets. If it has written and
    calls exit without closing, the driver first sends everything: each reader
    gets all bytes and the end of file.
} {
    foreach {what options bytes} {
        "blocking" {-blocking 1} 200000
        "not blocking" {-blocking 0} 200000
        "not flushed" {-blocking 1 -buffersize 1000000} 200000
        "more than the system takes" {-blocking 1} 8000000
    } {
        set ends {}
        for {set i 0} {$i < 3} {incr i} {
            set one [receiveConnections 1 $bytes {
                lassign $argv port options bytes
                set chan [support::sock 127.0.0.1 $port]
                fconfigure $chan -translation binary {*}$options
                puts -nonewline $chan [support::pattern 0 $bytes]
                exit
            } $options $bytes]
            dict incr ends {*}[dict keys $one]
        }
        saw "$what: $ends"
        must {$ends eq {whole 3}} "output was lost at the exit ($what)"
    }
}

question write-and-close 120 {
    200 clients write 10000 bytes and close at once; then a server does the same
    for 200 clients. Each reader gets all bytes and the end of file.
} {
    set ends [receiveConnections 200 10000 {
        lassign $argv port
        for {set i 0} {$i < 200} {incr i} {
            set chan [support::sock 127.0.0.1 $port]
            fconfigure $chan -translation binary
            puts -nonewline $chan [support::pattern 0 10000]
            close $chan
        }
    }]
    saw "clients that close: $ends"
    must {$ends eq {whole 200}} "output of clients was lost"

    set listener [support::sock -server {apply {{chan args} {
        fconfigure $chan -translation binary
        puts -nonewline $chan [support::pattern 0 10000]
        close $chan
    }}} -myaddr 127.0.0.1 0]
    set peer [peer {
        for {set i 0} {$i < 200} {incr i} {
            dict incr ends [ending [testraw connect [lindex $argv 0]] 10000]
        }
        puts $ends
    } [support::port $listener]]
    set ends [support::childLine $peer]
    peerEnds $peer
    close $listener
    saw "servers that close: $ends"
    must {$ends eq {whole 200}} "output of servers was lost"
}

question close-unread 90 {
    When a connection with unread input is closed, Windows resets it and drops
    its output. The driver discards the input first: each reader gets all bytes
    and the end of file.
} {
    set listener [support::sock -server {apply {{chan args} {
        fconfigure $chan -translation binary -blocking 0
        fileevent $chan readable [list answerUnread $chan]
    }}} -myaddr 127.0.0.1 0]
    proc answerUnread {chan} {
        read $chan 1
        puts -nonewline $chan [support::pattern 0 1000000]
        close $chan
    }
    set peer [peer {
        for {set i 0} {$i < 20} {incr i} {
            set sock [testraw connect [lindex $argv 0]]
            testraw send $sock [string repeat x 100000]
            dict incr ends [ending $sock 1000000]
        }
        puts $ends
    } [support::port $listener]]
    set ends [support::childLine $peer]
    peerEnds $peer
    close $listener
    saw "closed with unread input: $ends"
    must {$ends eq {whole 20}} "output was lost at the close"
}

question refused-connect 90 {
    Windows retries a refused connect for 2 s. From Windows 10 1709 on, the
    driver turns this off: its connect fails soon, the core's after 2 s. The
    error is the same.
} {
    set port [support::refusedPort]
    foreach command {iocpsock::socket support::coreSocket} {
        set times {}
        for {set i 0} {$i < 3} {incr i} {
            lappend times [milliseconds {
                set outcome [support::outcome {$command 127.0.0.1 $port}]
            }]
        }
        saw "$command: $outcome; times in ms: $times"
        must {[lrange [lindex $outcome 2] 0 1] eq {POSIX ECONNREFUSED}} \
            "$command gave another error"
    }
    set ms [milliseconds {
        set chan [iocpsock::socket -async 127.0.0.1 $port]
        unset -nocomplain ::decided
        fileevent $chan writable {set ::decided 1}
        support::wait decided
    }]
    set error [fconfigure $chan -error]
    close $chan
    saw "with -async: $error, after $ms ms"
    must {$error eq "connection refused"} "-async gave another error"
}

# Hyper-V and WinNAT reserve ranges of ports, in which no program can listen.

question reserved-port 30 {
    On a port of a reserved range, this driver gives the same error as the
    core's.
} {
    catch {exec netsh int ipv4 show excludedportrange protocol=tcp <NUL} text
    set ports {}
    foreach {- first last} [regexp -all -inline -line \
            {^\s*(\d+)\s+(\d+)\s*\*?\s*$} $text] {
        lappend ports $first
    }
    saw "reserved ranges begin at: [expr {$ports eq "" ? "none" : $ports}]"
    foreach port [lrange $ports 0 4] {
        foreach command {iocpsock::socket support::coreSocket} {
            set outcome($command) [support::outcome {
                close [$command -server list -myaddr 127.0.0.1 $port]
            }]
        }
        saw "port $port: $outcome(iocpsock::socket)"
        must {$outcome(iocpsock::socket) eq $outcome(support::coreSocket)} \
            "the core's driver gives $outcome(support::coreSocket)"
    }
}

question listen-again 90 {
    A server closes its listener while it still has a connection, and listens on
    the same port again. Windows refuses this for an exclusive socket; then the
    driver tries again without that option. It gets the port, as the core's
    driver does.
} {
    foreach command {iocpsock::socket support::coreSocket} {
        unset -nocomplain ::accepted
        set listener [$command -server {apply {{chan args} {
            set ::accepted $chan
        }}} -myaddr 127.0.0.1 0]
        set port [support::port $listener]
        set peer [peer {
            set sock [testraw connect [lindex $argv 0]]
            gets stdin
            puts [receive $sock 5]
        } $port]
        set chan [support::wait accepted]
        close $listener
        set outcome($command) [lindex [support::outcome {
            close [$command -server list -myaddr 127.0.0.1 $port]
        }] 2]
        saw "$command: [expr {$outcome($command) eq "" ? "bound"
            : $outcome($command)}]"
        puts -nonewline $chan hello
        close $chan
        support::childPut $peer go
        must {[support::childLine $peer] eq "hello"} "the connection is lost"
        peerEnds $peer
    }
    must {$outcome(iocpsock::socket) eq $outcome(support::coreSocket)} \
        "the core's driver has another outcome"
}

question listen-queue 90 {
    While a server is busy, the system queues 200 clients or more, and refuses
    the others. Later the server serves all clients in the queue.
} {
    set wanted 300
    set listener [support::listen]
    set peer [peer {
        lassign $argv port wanted
        set socks {}
        while {[llength $socks] < $wanted
                && ![catch {testraw connect $port} sock]} {
            lappend socks $sock
        }
        puts [llength $socks]
        set served 0
        foreach sock $socks {
            incr served [expr {[lindex [receiveAll $sock] 0] eq "hello"}]
        }
        puts $served
    } [support::port $listener] $wanted]
    set kept [lineMeanwhile $peer 45000]
    saw "$kept of $wanted clients were queued"
    must {[string is integer -strict $kept]
        && $kept >= [support::queueLength]} "too few were queued"
    for {set i 0} {$i < $kept} {incr i} {
        set chan [support::accept $listener]
        puts -nonewline $chan hello
        close $chan
    }
    set served [support::childLine $peer]
    saw "$served of them were served"
    must {$served == $kept} "some were not served"
    peerEnds $peer
    close $listener
}
