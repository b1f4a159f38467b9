# questions-handover.tcl --
#
#       A completion port of Windows counts the running threads that have
#       dequeued from it. At its limit it releases no other waiter. Wine does
#       not count.

# The peer makes four connections. When it gets a line, it does round trips on
# the last two, whose channels have moved to another thread.

set handoverPeer {
    lassign $argv port
    for {set i 0} {$i < 4} {incr i} {
        lappend socks [testraw connect $port]
    }
    foreach sock $socks {
        testraw nodelay $sock
    }
    gets stdin
    puts [longest [lrange $socks 2 3] 50]
    testraw send [lindex $socks 0] "done\n"
    gets stdin
    puts [longest [lrange $socks 0 1] 50]
}

proc handover {} {
    set listener [support::listen]
    set peer [peer $::handoverPeer [support::port $listener]]
    set chans [acceptSome $listener 4]
    set thread [support::thread]
    foreach chan [lrange $chans 2 3] {
        testthread transfer $thread $chan
        testthread send $thread [list fileevent $chan readable \
            [list support::EchoMore $chan]]
    }
    return [list $listener $peer $chans $thread]
}

proc handoverEnds {listener peer chans thread} {
    peerEnds $peer
    support::closeAll $listener {*}[lrange $chans 0 1]
    support::joinThreads $thread
    must {[lsort -unique [dict values [support::zeroStats]]] eq "0"} \
        "left behind: [support::zeroStats]"
}

# Waits for the line "done" on the first channel.

proc takeDone {chan} {
    fconfigure $chan -blocking 1 -translation lf
    must {[gets $chan] eq "done"} "another line came"
    fconfigure $chan -blocking 0 -translation binary
}

question busy-owner 90 {
    Two channels have moved to another thread. The thread that opened them
    computes and serves no events. The other thread still echoes at once.
} {
    lassign [handover] listener peer chans thread
    support::childPut $peer go
    set longest [lineMeanwhile $peer 30000]
    saw "100 echoes while the owner computed; the longest took $longest ms"
    must {$longest ne "nothing"} "no echoes while the owner computed"
    takeDone [lindex $chans 0]
    echoOn {*}[lrange $chans 0 1]
    support::childPut $peer go
    saw "100 echoes of the owner; the longest took [support::childLine $peer]\
        ms"
    handoverEnds $listener $peer $chans $thread
}

question blocked-owner 90 {
    The same while the thread that opened the channels waits in a blocking read
    of another socket: it does not keep completions of the other thread.
} {
    lassign [handover] listener peer chans thread
    support::childPut $peer go
    takeDone [lindex $chans 0]
    set longest [support::childLine $peer]
    saw "100 echoes while the owner waited; the longest took $longest ms"
    echoOn {*}[lrange $chans 0 1]
    support::childPut $peer go
    saw "100 echoes of the owner; the longest took [support::childLine $peer]\
        ms"
    handoverEnds $listener $peer $chans $thread
}

question busy-thread 90 {
    The other way round: the thread that got the channels computes, and the
    thread that opened them echoes at once.
} {
    lassign [handover] listener peer chans thread
    support::childPut $peer go
    saw "100 echoes of the thread; the longest took [support::childLine $peer]\
        ms"
    takeDone [lindex $chans 0]
    set flag [makeFile 1]
    testthread send $thread [list proc computeUntil {condition ms} \
        [info body computeUntil]]
    testthread send -async $thread [format {
        proc busy {} {
            set flag %s
            computeUntil {![file exists $flag]} 30000
        }
        set computed [busy]
    } [list $flag]]
    echoOn {*}[lrange $chans 0 1]
    support::childPut $peer go
    set longest [support::childLine $peer]
    file delete $flag
    saw "100 echoes while the thread computed; the longest took $longest ms"
    must {[testthread send $thread {set computed}]} \
        "no echoes while the thread computed"
    handoverEnds $listener $peer $chans $thread
}
