# browserLoad.tcl --
#
#	The process that browser.tcl watches. One server answers with three
#	times the bytes that it receives, another sends much to every client.
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

puts "$load::port [load::listen load::accept] [load::listen load::flood]"
flush stdout
fconfigure stdin -blocking 0
fileevent stdin readable load::command
vwait forever
