# differentialPlan.tcl --
#
#       The scenarios of differentialOutside.tcl. They are made from a seed,
#       and turned into the scripts of both ends.
#
#       A scenario is a list of items in one order for both ends. "t" items
#       belong to the Tcl end, "p" items to the peer. Each end does its own
#       items in this order. No item names a number of bytes: `take` receives
#       what the peer has sent before, and `await` what the Tcl end has written
#       before. So each end waits only for things that the other one does
#       without it. Therefore every part of a scenario is a scenario, and its
#       result does not depend on time:
#
#       - Bytes are compared, not the pieces that they come in.
#       - After a peer has ended the connection, later writes are "sent or
#         refused".
#       - Its earlier data may be lost in part if it has reset the connection,
#         or closed it while data was on the way to it. Then the received bytes
#         must be the beginning ("part").

namespace eval plan {
    variable random 1
    variable weights {
        12 {t give SIZE WRITER STYLE}   12 {t take PART READER STYLE}
        2 {t echo STYLE}                2 {t duplex SIZE STYLE}
        3 {t idle PAUSE STYLE}          1 {t half}
        9 {p send SIZE}                 9 {p pieces PIECES}
        4 {p pause PAUSE}               8 {p await}
        1 {p urgent}                    3 {p deaf PAUSE}
        2 {p slow SLOW}                 1 {p shut}
    }
    variable words
    array set words {
        SIZE {1 5 31 32 33 100 1000 1000 4096 4097 9000 20000 70000 200000}
        PIECES {
            {6 1 20} {40 20 5} {64 8 0} {96 32 10} {900 300 60} {3000 1000 30}
            {600 300 300} {20000 5000 5} {50000 1460 0} {9000 4500 150}
        }
        PAUSE {0 1 10 20 50 100 300}
        SLOW {{1000 5} {100 1} {5000 20} {1 1} {20000 100}}
        PART {1 1 1 1 2 3}
        READER {
            all all small gets once coro block block blockgets poll fcopy
            fcopysync
        }
        WRITER {
            puts puts pieces events events background coro fcopy fcopysync
        }
        STYLE {vwait vwait vwait update nested inside pump pump}
        PLACE {main main main main main main thread interp}
        SETUP {dial accept async}
        RCVBUF {0 0 0 1 2304 8192}
        MODE {adaptive zero-byte flow-controlled burst-detection}
        OPTIONS {
            {} {} {-buffersize 1000} {-buffersize 100000} {-buffering none}
            {-buffering line}
        }
        LEAVE {
            none none none none none none none none none none none none
            reset reset close close
        }
        FINISH {readall readall readall halffirst halffirst close close}
        TAIL {0 0 100 50000}
    }
    # One in this many scenarios ends its process.
    variable exitEvery 25
}

# A random generator of our own, so that a seed means the same everywhere.

proc plan::Random {count} {
    variable random
    set random [expr {($random * 1103515245 + 12345) & 0x7fffffff}]
    return [expr {($random >> 12) % $count}]
}

proc plan::Pick {name} {
    variable words
    return [lindex $words($name) [Random [llength $words($name)]]]
}

# Makes an item, with words for the names. Items of the Tcl end have a place in
# front.

proc plan::Filled {template} {
    variable words
    set item {}
    foreach word $template {
        if {[info exists words($word)]} {
            set picked [Pick $word]
            lappend item {*}[expr {$word in {PIECES SLOW} ? $picked
                : [list $picked]}]
        } else {
            lappend item $word
        }
    }
    if {[lindex $item 0] eq "t"} {
        set item [linsert $item 1 [Pick PLACE]]
    }
    return $item
}

# plan::generate --
#
#       Makes a scenario.
#
# Arguments:
#       seed        chooses the scenario
#       length      about how many items it has
#
# Results:
#       The scenario, a list of items. The first one makes the connection, the
#       last one ends it.

proc plan::generate {seed length} {
    variable random [expr {($seed * 2654435761 + 97) & 0x7fffffff}]
    variable weights
    variable exitEvery
    for {set i 0} {$i < 4} {incr i} {
        Random 2
    }
    set weighted {}
    foreach {weight template} $weights {
        lappend weighted {*}[lrepeat $weight $template]
    }
    set scenario [list [list setup [Pick SETUP] [Pick RCVBUF] [Pick MODE] \
        [Pick OPTIONS]]]
    set wanted [expr {$length / 2 + [Random [expr {$length + 1}]]}]
    while {[llength $scenario] <= $wanted} {
        lappend scenario [Filled [lindex $weighted \
            [Random [llength $weighted]]]]
    }
    set leave [Pick LEAVE]
    if {$leave ne "none"} {
        if {[Random 2]} {
            lappend scenario {t main take 1 all vwait} \
                [list t main give [Pick SIZE] puts vwait] {p await}
        }
        set at [expr {$wanted / 2 + [Random [expr {$wanted / 2 + 2}]]}]
        set scenario [linsert $scenario [expr {max($at, 1)}] [list p $leave]]
    }
    set finish [expr {[Random $exitEvery] == 0 ? "exit" : [Pick FINISH]}]
    lappend scenario [list finish $finish [Pick READER] [Pick STYLE] \
        [Pick PLACE] [Random 2] [Pick TAIL]]
    return $scenario
}

# ----------------------------------------------------------------------
# Both ends' scripts

# plan::scripts --
#
#       Turns a scenario into the scripts of both ends.
#
# Results:
#       A dictionary: the Tcl end's "setup" (kind, receive mode, options) and
#       "ops"; the peer's "peer" arguments; "labels", a name for the result of
#       each of the ops, then of events, of the peer and of what is left,
#       which says how it is compared; and "expected" results, in this order.

proc plan::scripts {scenario} {
    variable P
    array unset P
    array set P {
        ops {} labels {} expected {} script {} segments {}
        written 0 sent 0 taken 0 half 0 shut 0 gone 0 lossy 0 awaited 0
        own 0 urgent 0 urgentAt -1 writeOps 0 writeTaken 0 ackOps 0 ackTaken 0
        early 0 unread 0
    }
    set finish {finish readall all vwait main 0 0}
    set setup {setup dial 0 adaptive {}}
    foreach item $scenario {
        switch [lindex $item 0] {
            setup {
                set setup $item
            }
            finish {
                set finish $item
            }
            t {
                tcl.[lindex $item 2] [lindex $item 1] {*}[lrange $item 3 end]
            }
            p {
                peer.[lindex $item 1] {*}[lrange $item 2 end]
            }
        }
    }
    Finish {*}[lrange $finish 1 end]
    if {$P(early)} {
        # Such a connection may not even be made.
        return [scripts [linsert $scenario [expr {[lindex $scenario 0 0] eq
            "setup"}] {t main give 1 puts vwait} {p await}]]
    }
    lassign $setup - kind rcvbuf mode options
    lappend P(labels) events
    lappend P(expected) {events few bad -1}
    PeerEnds
    # A lingering close gives a silent peer 5 s to receive the rest. With a
    # tiny window that is too short for much data.
    if {$P(unread)} {
        set rcvbuf 0
    }
    lappend P(labels) left
    lappend P(expected) {}
    if {$P(urgent)} {
        set P(labels) [lmap label $P(labels) {string cat urgent- $label}]
    }
    return [dict create setup [list $kind $mode $options] ops $P(ops) \
        peer [list rcvbuf=$rcvbuf script=[join $P(script) ,] \
            expect=[join $P(segments) ,]] \
        labels $P(labels) expected $P(expected)]
}

proc plan::Op {place op label expected} {
    variable P
    lappend P(ops) [list $place {*}$op]
    lappend P(labels) [expr {$place eq "thread" ? "thread-$label" : $label}]
    lappend P(expected) $expected
}

# The part of a stream that the Tcl end writes.

proc plan::Writes {letter offset count} {
    variable P
    lappend P(segments) $letter:$offset:$count
    incr P(written) $count
    set P(writeOps) [llength $P(ops)]
    set P(writeTaken) $P(taken)
    if {$P(gone)} {
        set P(lossy) 1
    }
}

proc plan::Give {count} {
    variable P
    Writes T $P(own) $count
    incr P(own) $count
}

# The result of a write. With a peer that has left it may be anything.

proc plan::WriteLabel {name} {
    variable P
    return [expr {$P(gone) ? "$name-gone" : $name}]
}

proc plan::tcl.give {place count mover style} {
    variable P
    if {$P(half)} {
        return
    }
    Give $count
    # A channel moves without output that only the event loop writes.
    if {$mover eq "background" && $place ne "main"} {
        set mover events
    }
    Op $place [list give $count $mover $style] [WriteLabel give] ok
}

proc plan::tcl.take {place part mover style} {
    variable P
    set until [expr {$P(taken) + ($P(sent) - $P(taken)) / $part}]
    if {[string match *gets $mover]} {
        set until [stream::lineEnd $until]
    }
    if {$P(gone) || $until <= $P(taken)} {
        return
    }
    set P(taken) $until
    Op $place [list take $until $mover $style] take ok
}

proc plan::tcl.echo {place style} {
    variable P
    if {$P(gone) || $P(half) || $P(sent) == $P(taken)} {
        return
    }
    Writes P $P(taken) [expr {$P(sent) - $P(taken)}]
    Op $place [list echo $P(taken) $P(sent) $style] echo ok
    set P(taken) $P(sent)
}

proc plan::tcl.duplex {place count style} {
    variable P
    if {$P(gone) || $P(half)} {
        return
    }
    Give $count
    set P(taken) $P(sent)
    Op $place [list duplex $P(taken) $count $style] duplex ok
}

proc plan::tcl.idle {place ms style} {
    Op $place [list idle $ms $style] idle ok
}

proc plan::tcl.half {place} {
    variable P
    if {$P(half)} {
        return
    }
    set P(half) 1
    Op $place half [WriteLabel half] ok
}

proc plan::peer.send {count} {
    Sends $count send:$count
}

proc plan::peer.pieces {count piece ms} {
    Sends $count pieces:$count:$piece:$ms
}

proc plan::Sends {count op} {
    variable P
    if {$P(gone) || $P(shut)} {
        return
    }
    incr P(sent) $count
    lappend P(script) $op
}

# The other operations of the peer. Those of a peer that has left do nothing.

proc plan::Peer {op} {
    variable P
    if {!$P(gone)} {
        lappend P(script) $op
    }
}

proc plan::peer.pause {ms} {
    Peer pause:$ms
}

proc plan::peer.deaf {ms} {
    Peer deaf:$ms
}

proc plan::peer.slow {bytes ms} {
    Peer slow:$bytes:$ms
}

proc plan::peer.await {} {
    variable P
    Peer await:$P(written)
    if {!$P(gone)} {
        set P(awaited) $P(written)
        set P(ackOps) $P(writeOps)
        set P(ackTaken) $P(writeTaken)
    }
}

# TCP has one urgent mark, so a scenario has one such byte.

proc plan::peer.urgent {} {
    variable P
    if {!$P(urgent) && !$P(shut)} {
        Peer urgent
        set P(urgent) 1
        set P(urgentAt) $P(sent)
    }
}

proc plan::peer.shut {} {
    variable P
    if {!$P(shut)} {
        Peer shut
        set P(shut) 1
    }
}

proc plan::peer.reset {} {
    Leaves reset
}

proc plan::peer.close {} {
    Leaves close
}

# The connection ends. Operations of the Tcl end that the peer has not waited
# for run before or after that.

proc plan::Leaves {op} {
    variable P
    if {$P(gone)} {
        return
    }
    Peer $op
    set P(gone) 1
    set P(early) [expr {$op eq "reset" && $P(awaited) == 0}]
    if {$P(awaited) == $P(written)
            && ($op eq "close" || $P(ackTaken) == $P(sent))} {
        if {$op eq "close"} {
            return
        }
    } else {
        set P(lossy) 1
    }
    for {set i $P(ackOps)} {$i < [llength $P(labels)]} {incr i} {
        if {![string match *-gone [lindex $P(labels) $i]]} {
            lset P(labels) $i [lindex $P(labels) $i]-gone
        }
    }
}

# ----------------------------------------------------------------------
# The end

proc plan::Finish {how mover style place blocking tail} {
    variable P
    if {$P(gone) && $how ne "exit"} {
        set how readall
    }
    if {$P(half)} {
        set tail 0
    }
    set P(how) $how
    switch $how {
        readall {
            peer.shut
            Peer end
            TakeAll $place $mover $style
            set tail 0
            CloseAfter $blocking 0
        }
        halffirst {
            tcl.half main
            Peer end
            Peer close
            TakeAll $place $mover $style
            CloseAfter $blocking 0
        }
        close {
            Unread
            Peer end
            CloseAfter $blocking $tail
        }
        exit {
            Unread
            Peer end
            if {$tail > 0} {
                Give $tail
            }
            Op main [list exit $tail] [WriteLabel exit] ok
        }
    }
}

# The Tcl end must leave something unread here. The data has certainly arrived
# when it has read the first byte of what was sent at once, and is not in Tcl's
# own buffer, which is small.

proc plan::Unread {} {
    variable P
    if {$P(gone) || $P(half) || $P(shut) || $P(sent) == $P(taken)} {
        return
    }
    Op main [list take $P(sent) block vwait] take ok
    Give 1
    Op main {give 1 puts vwait} give ok
    peer.await
    set until [expr {$P(sent) + 1}]
    peer.send 20000
    Op main [list take $until byte vwait] take ok
    set P(taken) $until
    set P(unread) 1
}

proc plan::TakeAll {place mover style} {
    variable P
    Op $place [list take end $mover $style] \
        [expr {$P(lossy) ? "takeall-gone" : "takeall"}] [list eof $P(sent)]
    if {!$P(gone)} {
        set P(taken) $P(sent)
    }
}

proc plan::CloseAfter {blocking tail} {
    variable P
    if {$tail > 0} {
        Give $tail
    }
    Op main [list close $blocking $tail] [WriteLabel close] ok
}

# The peer's last line. What the peer sends after the Tcl end has closed resets
# the connection, and may destroy data on its way to it. An urgent byte counts
# until something behind it was read.

proc plan::PeerEnds {} {
    variable P
    if {$P(gone)} {
        lappend P(labels) peer-gone
    } elseif {$P(unread)} {
        lappend P(labels) peer-unread
    } elseif {$P(sent) > $P(taken)
            || ($P(urgentAt) >= $P(taken) && $P(how) ne "readall")} {
        lappend P(labels) peer-late
    } else {
        lappend P(labels) peer
    }
    lappend P(expected) [list $P(written) -1 eof]
}

# ----------------------------------------------------------------------
# Comparing

# plan::canonical --
#
#       Removes from a result what the network decides.
#
# Arguments:
#       label       the name of the result
#       result      the result of one end
#       expected    the result if nothing were lost
#
# Results:
#       The result to compare.

proc plan::canonical {label result expected} {
    switch -glob $label {
        *peer-late {
            if {[lindex $result 0] <= [lindex $expected 0]
                    && [lindex $result 2] in {eof failed}} {
                return [list any [lindex $result 1] end]
            }
        }
        *peer-gone {
            return [list [lindex $result 1] gone]
        }
        *-gone {
            if {[lindex $result 0] in {ok eof short}
                    || [lindex $result 1] eq "NONE"
                    || [lindex $result 1 1] in
                    {ECONNRESET EPIPE ECONNABORTED ENOTCONN EBUSY}} {
                return "any end"
            }
        }
    }
    return $result
}
