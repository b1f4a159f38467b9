# browserLoad.tcl --
#
#	The process that browser.tcl watches. One server answers with three
#	times the bytes that it receives, another sends much to every client. Of
#	two UDP channels, one answers what the other sends; a third one reads
#	too late, so that datagrams are dropped.
#	It prints the ports of the monitor and of both servers. On standard
#	input it takes "stop" and "start", which print "stopped" and "started",
#	and ends with it.
#
#	    tclsh browserLoad.tcl INTERVAL-MS

package require iocpsock::monitor

namespace eval load {
    variable interval [lindex $::argv 0]
    variable port [iocpsock::monitor -port 0 -interval $interval]
}

proc load::accept {chan args} {
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    fileevent $chan readable [list load::answer $chan]
}

proc load::answer {chan} {
    if {[catch {
        puts -nonewline $chan [string repeat [read $chan] 3]
        flush $chan
    }] || [eof $chan]} {
        close $chan
    }
}

# Output for a peer that does not read stays here.

proc load::flood {chan args} {
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    puts -nonewline $chan [string repeat x 8000000]
    flush $chan
}

proc load::listen {script} {
    set chan [iocpsock::socket -server $script -myaddr 127.0.0.1 0]
    return [lindex [fconfigure $chan -sockname] 2]
}

# Datagrams go round, and some to a channel that has room for two.

proc load::datagrams {} {
    set echo [iocpsock::udp -myaddr 127.0.0.1 -command load::echo]
    variable full [iocpsock::udp -myaddr 127.0.0.1]
    fconfigure $full -queuecount 2
    variable sender [iocpsock::udp -command list 127.0.0.1 \
        [fconfigure $echo -myport]]
    sendDatagrams 1
}

proc load::echo {chan bytes facts} {
    iocpsock::sendto $chan $bytes [dict get $facts address] \
        [dict get $facts port]
}

proc load::sendDatagrams {number} {
    variable sender
    variable full
    after 100 [list load::sendDatagrams [expr {$number + 1}]]
    iocpsock::sendto $sender [string repeat x 500]
    iocpsock::sendto $full overflow 127.0.0.1 [fconfigure $full -myport]
    if {$number % 10 == 0} {
        iocpsock::recv $full
    }
}

proc load::command {} {
    variable port
    variable interval
    if {[gets stdin line] < 0} {
        if {[eof stdin]} {
            exit 0
        }
        return
    }
    if {$line eq "stop"} {
        iocpsock::monitor stop
        puts stopped
    } else {
        iocpsock::monitor -port $port -interval $interval
        puts started
    }
    flush stdout
}

load::datagrams
puts "$load::port [load::listen load::accept] [load::listen load::flood]"
flush stdout
fconfigure stdin -blocking 0
fileevent stdin readable load::command
vwait forever
