# messageLoopServer.tcl --
#
#       The servers of messageLoop.tcl and tk/wish.tcl. Each line that a client
#       sends is a command. Each answer begins with the loop that the thread is
#       in. The script that sources this file defines
#
#           server::state           the innermost loop, in one word
#           server::run KIND        runs a loop until it is ended
#           server::stop KIND       ends it

source [file join [file dirname [info script]] tclshPeer.tcl]

namespace eval server {
    variable end ""
}

proc server::accepted {chan args} {
    fconfigure $chan -blocking 0 -buffering line -translation lf
    fileevent $chan readable [list ::server::ready $chan]
}

proc server::ready {chan} {
    if {[gets $chan line] >= 0} {
        command-[lindex $line 0] $chan {*}[lrange $line 1 end]
    } elseif {[eof $chan]} {
        close $chan
    }
}

proc server::answer {chan text} {
    puts $chan "[state] $text"
}

# How the last loop has ended.
proc server::loop {kind} {
    variable end ""
    set end [run $kind]
}

proc server::command-echo {chan text} {
    answer $chan $text
}

# Enters a loop from a timer's script or from the channel's own handler.
proc server::command-loop {chan from kind} {
    answer $chan looping
    if {$from eq "timer"} {
        after 0 [list ::server::loop $kind]
    } else {
        loop $kind
    }
}

proc server::command-end {chan kind} {
    variable end ""
    answer $chan ending
    stop $kind
}

proc server::command-how {chan} {
    variable end
    answer $chan $end
}

# Waits for another line, as a handler may.
proc server::command-block {chan} {
    answer $chan blocking
    fconfigure $chan -blocking 1
    gets $chan line
    fconfigure $chan -blocking 0
    answer $chan $line
}

# Stays writable, and counts its events. Tells how often the loop had to wait
# for a message meanwhile.
proc server::command-passes {chan count} {
    variable passes 0
    fileevent $chan writable \
        [list ::server::pass $chan $count [testpump waits]]
}

proc server::pass {chan count waits} {
    variable passes
    if {[incr passes] == $count} {
        fileevent $chan writable {}
        answer $chan [expr {[testpump waits] - $waits}]
    }
}

proc server::command-connect {chan port} {
    set peer [support::sock -async 127.0.0.1 $port]
    fileevent $peer writable [list ::server::connected $chan $peer]
}

proc server::connected {chan peer} {
    answer $chan "connected [fconfigure $peer -error]"
    close $peer
}

proc server::command-copy {chan} {
    fileevent $chan readable {}
    fconfigure $chan -translation binary -buffering full
    fcopy $chan $chan -command [list ::server::copied $chan]
}

proc server::copied {chan count args} {
    close $chan
}

# Tcl keeps the bytes that the system does not take, and closes in the
# background.
proc server::command-send {chan count} {
    fileevent $chan readable {}
    fconfigure $chan -translation binary
    puts -nonewline $chan [peer::data $count]
    close $chan
}

# A server that drops silent clients.
proc server::command-watchdog {chan ms} {
    set listener [support::listen]
    fconfigure $listener -acceptmode data -accepttimeout $ms
    answer $chan [support::port $listener]
}

# After its accept script the channel belongs only to this thread.
proc server::moved {id chan args} {
    after 0 [list ::server::move $id $chan]
}

proc server::move {id chan} {
    testthread transfer $id $chan
    testthread send -async $id [list ::server::accepted $chan]
}

proc server::listen {script} {
    set listener [support::sock -server $script -myaddr 127.0.0.1 0]
    return [support::port $listener]
}
