# questions-ending.tcl --
#
#       How connections end: by a close, by the end of the process, or before
#       they have begun.

# A listener of this process, and clients in another. How each connection has
# ended is counted, "whole" being all bytes and then the end of file.

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
    When a process of Windows ends, its open sockets are reset. One that has
    written and calls exit without closing is to have sent everything before:
    each reader gets all bytes and the end of file.
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
    200 clients write 10000 bytes and close at once; then a server does so to
    200 clients. Each reader gets all bytes and the end of file.
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
    Windows resets a connection that is closed with unread input, and drops its
    output. The driver discards the input first: each reader gets all bytes and
    the end of file.
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
    Windows repeats a refused connect for 2 s; the driver forbids that since
    Windows 10 1709. So it is refused soon, and with the core's driver after
    2 s. The error is the same.
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

# Hyper-V and WinNAT reserve ranges of ports, in which nobody can listen.

question reserved-port 30 {
    A port of a reserved range is denied to this driver as it is to the core's.
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
            "the core's driver says $outcome(support::coreSocket)"
    }
}

question listen-again 90 {
    A server closes its listener while a connection of it is open, and listens
    on the same port again. Windows refuses that to an exclusive socket; the
    driver then asks without. So it gets the port, as the core's driver does.
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
    While a server is busy, the system keeps 200 clients or more; the others are
    refused. All that were kept are served then.
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
    saw "of $wanted clients $kept were kept"
    must {[string is integer -strict $kept]
        && $kept >= [support::queueLength]} "too few were kept"
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
