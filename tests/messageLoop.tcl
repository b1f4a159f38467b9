# messageLoop.tcl --
#
#       The Windows side of messageLoop.sh. It prints the ports of two servers:
#       one in this thread, and one whose connections move to another thread.
#       Each answer begins with the number of message loops that run in the
#       thread at that time.

source [file join [file dirname [info script]] support.tcl]
package require iocpsocktest
source [file join [file dirname [info script]] messageLoopServer.tcl]

namespace eval server {
    variable depth 0
    variable limitMs 60000
}

proc server::state {} {
    variable depth
    return $depth
}

proc server::run {kind} {
    variable depth
    variable limitMs
    incr depth
    set how [testpump run $limitMs]
    incr depth -1
    return $how
}

proc server::stop {kind} {
    testpump stop
}

if {![info exists isThread]} {
    set id [support::thread]
    testthread send $id {set isThread 1}
    testthread send $id [list source [file normalize [info script]]]
    puts [list [server::listen server::accepted] \
        [server::listen [list server::moved $id]]]
    flush stdout
    fileevent stdin readable {
        if {[gets stdin line] < 0 && [eof stdin]} {set done 1}
    }
    vwait done
    exit
}
