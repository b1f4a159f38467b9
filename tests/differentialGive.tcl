# differentialGive.tcl --
#
#       Sourced by differentialEnd.tcl: the operations that send, and those that
#       end the connection.

proc end::Next {count} {
    variable S
    set data [stream::part T $S(written) $count]
    incr S(written) $count
    return $data
}

# Waits until Tcl's buffers are empty, which only the event loop achieves.

proc end::Settle {} {
    variable S
    if {[fconfigure $S(chan) -blocking]
            || [chan pending output $S(chan)] <= 0} {
        return
    }
    fileevent $S(chan) writable {::end::Flushed}
    Await vwait
    if {$S(done) ne "ok"} {
        return -code error -errorcode [lindex $S(done) 1] "not flushed"
    }
    set S(done) {}
}

proc end::Flushed {} {
    variable S
    Guard {
        if {[chan pending output $S(chan)] == 0} {
            fileevent $S(chan) writable {}
            Done ok
        }
    }
}

proc end::Writable {count} {
    variable S
    Guard {
        set piece [expr {min($count, 5000)}]
        if {$piece > 0} {
            fileevent $S(chan) writable \
                [list ::end::Writable [expr {$count - $piece}]]
            puts -nonewline $S(chan) [Next $piece]
            flush $S(chan)
        } else {
            Flushed
        }
    }
}

proc end::Writer {count} {
    variable S
    Guard {
        fileevent $S(chan) writable [info coroutine]
        yield
        for {} {$count > 0} {incr count -3000} {
            puts -nonewline $S(chan) [Next [expr {min($count, 3000)}]]
            yield
        }
        flush $S(chan)
        while {[chan pending output $S(chan)] > 0} {
            yield
        }
        fileevent $S(chan) writable {}
        Done ok
    }
}

proc end::CopyOut {count mover style} {
    variable S
    lassign [File [Next $count]] file path
    try {
        if {$mover eq "fcopysync"} {
            fcopy $file $S(chan)
            flush $S(chan)
        } else {
            set S(copies) 1
            fcopy $file $S(chan) -command {::end::Copied out}
            Await $style
        }
    } finally {
        close $file
        file delete $path
    }
    if {$S(done) in {{} ok}} {
        set S(done) {}
        flush $S(chan)
        Settle
        Done ok
    }
}

proc end::op.give {count mover style} {
    variable S
    set way [expr {$mover in {puts pieces fcopysync}}]
    if {$way} {
        Settle
    }
    fconfigure $S(chan) -blocking $way
    switch $mover {
        puts {
            puts -nonewline $S(chan) [Next $count]
            flush $S(chan)
        }
        pieces {
            set piece [expr {$count / 5 + 1}]
            for {} {$count > 0} {incr count -$piece} {
                puts -nonewline $S(chan) [Next [expr {min($count, $piece)}]]
                flush $S(chan)
            }
        }
        background {
            puts -nonewline $S(chan) [Next $count]
            flush $S(chan)
        }
        fcopy - fcopysync {
            CopyOut $count $mover $style
        }
        coro {
            coroutine writer ::end::Writer $count
            Await $style
        }
        default {
            fileevent $S(chan) writable [list ::end::Writable $count]
            Await $style
        }
    }
    Done ok
    return $S(done)
}

# Sends the peer's bytes back, from "from" to "until": bytes that were read
# already by a write, the rest by fcopy from the channel to itself.

proc end::op.echo {from until style} {
    variable S
    fconfigure $S(chan) -blocking 0
    set taken [expr {min($S(total), $until)}]
    if {$taken > $from} {
        puts -nonewline $S(chan) [stream::part P $from [expr {$taken - $from}]]
    }
    if {$taken < $until} {
        set S(copies) 1
        fcopy $S(chan) $S(chan) {*}[Limit $until] -command {::end::Copied all}
        Await $style
        set S(total) $until
        # After an error the number of copied bytes is unknown.
        set S(blind) [expr {$S(done) ne "ok"}]
    }
    flush $S(chan)
    Done ok
    return $S(done)
}

# Both directions at the same time.

proc end::op.duplex {until count style} {
    variable S
    fconfigure $S(chan) -blocking 0
    lassign [File {}] in inPath
    lassign [File [Next $count]] out outPath
    try {
        set S(copies) 1
        if {$S(total) < $until} {
            incr S(copies)
            fcopy $S(chan) $in {*}[Limit $until] -command {::end::Copied in}
        }
        fcopy $out $S(chan) -command {::end::Copied out}
        Await $style
        # After an error the number of copied bytes is unknown.
        set S(blind) [expr {$S(done) ne "ok"}]
        if {!$S(blind)} {
            FromFile $in
        }
    } finally {
        close $in
        close $out
        file delete $inPath $outPath
    }
    flush $S(chan)
    return $S(done)
}

proc end::op.half {} {
    variable S
    Settle
    close $S(chan) write
    return ok
}

# Closes while bytes are still in Tcl's buffer.

proc end::op.close {blocking count} {
    variable S
    variable inject
    if {$blocking} {
        Settle
    }
    fconfigure $S(chan) -blocking $blocking
    if {$count > 0} {
        puts -nonewline $S(chan) [Next $count]
    }
    if {$inject eq "hang"} {
        vwait ::end::never
    }
    set chan $S(chan)
    set S(chan) {}
    close $chan
    return ok
}

proc end::op.exit {count} {
    variable S
    Settle
    fconfigure $S(chan) -blocking 1
    if {$count > 0} {
        puts -nonewline $S(chan) [Next $count]
    }
    puts "op ok\nop {events few bad $S(bad)}\nexiting"
    flush stdout
    exit
}
