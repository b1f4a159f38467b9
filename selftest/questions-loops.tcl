# questions-loops.tcl --
#
#       Message loops that are not Tcl's. While one runs, for example in a menu
#       or a message box, only window messages can make Tcl handle its events.

# Runs the script "enter", which must stay in a message loop. Meanwhile a peer
# gets echoes, makes new connections, and then ends the loop.

proc loopedServer {enter} {
    set ::inside 0
    set listener [support::sock -server loopAccept -myaddr 127.0.0.1 0]
    set peer [peer {
        lassign $argv port
        # An answer from inside the loop begins with 1.
        proc ask {sock text} {
            testraw send $sock $text\n
            return [receive $sock [expr {[string length $text] + 3}]]
        }
        proc askInside {sock text} {
            set answer [ask $sock $text]
            if {$answer ne "1 $text\n"} {
                error "not served inside: $answer"
            }
        }
        set sock [testraw connect $port]
        testraw nodelay $sock
        ask $sock enter
        while {[ask $sock echo] ne "1 echo\n"} {}
        set started [clock microseconds]
        for {set i 0} {$i < 100} {incr i} {
            askInside $sock echo
        }
        set ms [expr {([clock microseconds] - $started) / 100000.0}]
        for {set i 0} {$i < 10} {incr i} {
            set other [testraw connect $port]
            askInside $other echo
            testraw close $other
        }
        askInside $sock leave
        testraw close $sock
        puts "inside: 100 echoes, $ms ms each, and 10 new clients"
    } [support::port $listener]]
    unset -nocomplain ::left
    set ::enter $enter
    support::wait left
    saw "the loop: $::left"
    if {[string match "not entered*" $::left]} {
        support::childKill $peer
    } else {
        saw [support::childLine $peer]
        peerEnds $peer
    }
    close $listener
    return $::left
}

proc loopAccept {chan args} {
    fconfigure $chan -blocking 0 -buffering line -translation lf
    fileevent $chan readable [list loopCommand $chan]
}

proc loopCommand {chan} {
    if {[gets $chan line] < 0} {
        if {[eof $chan]} {
            close $chan
        }
        return
    }
    if {$line eq "enter"} {
        after 0 loopEnter
    } elseif {$line eq "leave"} {
        testpump stop
    }
    puts $chan "$::inside $line"
}

proc loopEnter {} {
    set ::inside 1
    if {[catch $::enter how]} {
        set how "not entered: $how"
    }
    set ::inside 0
    set ::left $how
}

question message-loop 90 {
    While a thread runs its own message loop, connections get echoes, and new
    connections are accepted.
} {
    must {[loopedServer {testpump run 30000}] eq "stopped"} \
        "it was not served inside the loop"
}

question message-box 90 {
    The same while a message box of Windows is open. Without a desktop there
    may be no box.
} {
    set how [loopedServer {testpump box 30000}]
    must {$how eq "stopped" || [string match "not entered*" $how]} \
        "it was not served while the box was open"
}
