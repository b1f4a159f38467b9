# messageLoopServer.tcl --
#
#       The servers of messageLoop.tcl and tk/wish.tcl. Each line that a
#       client sends is a command, and each answer begins with the loop that
#       the thread is in just then. Whoever sources it defines
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

# How the last loop ended.
proc server::loop {kind} {
    variable end ""
    set end [run $kind]
}

proc server::command-echo {chan text} {
    answer $chan $text
}

# A loop that is entered by a timer's script, or by the channel's own handler.
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

# Waits, as a handler may, for a further line.
proc server::command-block {chan} {
    answer $chan blocking
    fconfigure $chan -blocking 1
    gets $chan line
    fconfigure $chan -blocking 0
    answer $chan $line
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

# Tcl keeps what the system does not take, and closes in the background.
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

# The channel is nobody's but ours when its accept script is over.
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
