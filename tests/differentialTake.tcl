# differentialTake.tcl --
#
#       Sourced by differentialEnd.tcl: the operations that receive. "until" is
#       the number of bytes in total, or "end".

# Returns true, and sets the result, if enough bytes or the end have arrived.

proc end::Enough {until} {
    variable S
    if {$until ne "end" && $S(total) >= $until} {
        Done ok
    } elseif {[eof $S(chan)]} {
        Done [list eof $S(total)]
    } else {
        return 0
    }
    return 1
}

# Called by a handler: reads once, as the mover does.

proc end::Some {mover} {
    variable S
    set before $S(total)
    set pending [chan pending input $S(chan)]
    switch $mover {
        small {
            Got [read $S(chan) [expr {[incr S(reads)] > 100 ? 2000 : 7}]]
        }
        gets {
            # One line per event would take minutes for many lines.
            set lines [expr {[incr S(reads)] > 100 ? 50 : 1}]
            while {[incr lines -1] >= 0 && [gets $S(chan) line] >= 0} {
                GotLine $line
            }
        }
        default {
            Got [read $S(chan)]
        }
    }
    if {$S(total) == $before && $pending == [chan pending input $S(chan)]
            && ![eof $S(chan)]} {
        incr S(empty)
    }
}

proc end::Readable {until mover style} {
    variable S
    Guard {
        Some $mover
        if {[Enough $until]} {
            fileevent $S(chan) readable {}
        } elseif {$mover eq "once"} {
            fileevent $S(chan) readable {}
            after 0 [list ::end::Again $until $mover $style]
        }
    }
    MayNest $style
}

proc end::Again {until mover style} {
    variable S
    Guard {
        fileevent $S(chan) readable \
            [list ::end::Readable $until $mover $style]
    }
}

proc end::Reader {until} {
    variable S
    Guard {
        fileevent $S(chan) readable [info coroutine]
        while {![Enough $until]} {
            yield
            Some all
        }
        fileevent $S(chan) readable {}
    }
}

proc end::Blocking {until mover} {
    variable S
    while {![Enough $until]} {
        if {$mover eq "blockgets"} {
            if {[gets $S(chan) line] >= 0} {
                GotLine $line
            }
        } elseif {$until eq "end"} {
            Got [read $S(chan)]
        } else {
            Got [read $S(chan) [expr {$until - $S(total)}]]
        }
    }
}

proc end::Polling {until} {
    variable S
    while {![Enough $until]} {
        Got [read $S(chan)]
        after 2
    }
}

# Makes a temporary file for fcopy, with these bytes.

proc end::File {data} {
    set file [file tempfile path]
    fconfigure $file -translation binary
    puts -nonewline $file $data
    flush $file
    seek $file 0
    catch {file delete $path}
    return [list $file $path]
}

proc end::Limit {until} {
    variable S
    return [expr {$until eq "end" ? {} : "-size [expr {$until - $S(total)}]"}]
}

proc end::Copied {what count {message {}}} {
    variable S
    lappend S(copied) $what
    if {$message ne ""} {
        Done [list error [CodeOf $message]]
    } elseif {[incr S(copies) -1] == 0} {
        Done ok
    }
}

# Takes the bytes that fcopy has written into the file.

proc end::FromFile {file} {
    variable S
    seek $file 0
    Got [read $file]
}

proc end::CopyIn {until mover style} {
    variable S
    lassign [File {}] file path
    try {
        if {$mover eq "fcopysync"} {
            fcopy $S(chan) $file {*}[Limit $until]
        } else {
            set S(copies) 1
            fcopy $S(chan) $file {*}[Limit $until] \
                -command {::end::Copied in}
            Await $style
        }
        FromFile $file
    } finally {
        close $file
        file delete $path
    }
    if {$S(done) in {{} ok}} {
        set S(done) {}
        if {![Enough $until]} {
            Done [list short $S(total)]
        }
    }
}

proc end::op.take {until mover style} {
    variable S
    set way [expr {$mover in {block blockgets byte fcopysync}}]
    if {$mover eq "byte"} {
        fconfigure $S(chan) -buffersize 10
    }
    if {$way || $mover eq "poll"} {
        Settle
    }
    fconfigure $S(chan) -blocking $way
    if {$until ne "end" && $S(total) >= $until} {
        return ok
    }
    # After a gets that found a part of a line, Tcl reports the channel as
    # readable only when more data has arrived.
    if {$mover in {all small once coro} && [chan pending input $S(chan)] > 0} {
        Some $mover
        if {[Enough $until]} {
            return $S(done)
        }
    }
    switch $mover {
        block - blockgets - byte {
            Blocking $until $mover
        }
        poll {
            Polling $until
        }
        fcopy - fcopysync {
            CopyIn $until $mover $style
        }
        coro {
            coroutine reader ::end::Reader $until
            Await $style
        }
        default {
            fileevent $S(chan) readable \
                [list ::end::Readable $until $mover $style]
            Await $style
        }
    }
    return $S(done)
}

# Reads for a while.

proc end::op.idle {ms style} {
    variable S
    fconfigure $S(chan) -blocking 0
    fileevent $S(chan) readable ::end::Idle
    after $ms {::end::Done ok}
    Await $style
    fileevent $S(chan) readable {}
    return $S(done)
}

proc end::Idle {} {
    variable S
    if {[catch {Some all}] || [eof $S(chan)]} {
        fileevent $S(chan) readable {}
    }
}
