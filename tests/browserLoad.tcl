# browserLoad.tcl --
#
#	What browser.tcl looks at: a process with a server that answers
#	with three times what it gets, and one that sends much to whoever comes.
#	It prints the ports of the monitor and of these, and on standard input
#	takes "stop" and "start", which say "stopped" and "started", and its
#	end.
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

# What a peer that does not read leaves to be sent stays here.

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
