# differentialEnd.tcl --
#
#       The Tcl end of differentialOutside.tcl's scenarios, in any tclsh:
#
#           tclsh differentialEnd.tcl core|own|linux
#
#       It takes commands from standard input, a line each, and answers with
#       lines: "ready" at its start; for "run SETUP OPS" the "port N" where it
#       waits for the peer, "op RESULT" for each operation, and "done"; for
#       "finish" the "left COUNTERS" that are not zero.
#
#       While a scenario runs nothing but its peer wakes this process: there
#       is no timer, no other connection, and no handler on standard input.

namespace eval end {
    variable dir [file dirname [file normalize [info script]]]
    # Of the connection: the channel; the number of bytes received, and of
    # those that operations have asked for; the number of bytes written; where
    # the first wrong byte was; readable events that brought nothing. Of the
    # operation: its result, when there is one.
    variable S
    variable driver [lindex $::argv 0]
    variable command
    variable busyEvents 30
    variable table
    # Injected faults, which show that the harness finds them.
    variable inject [lindex $::argv 1]
}
source [file join $::end::dir differentialStream.tcl]

# ----------------------------------------------------------------------
# What came, and what the operation at hand waits for

proc end::Got {data} {
    variable S
    variable inject
    if {$inject eq "drop" && $S(total) < 100 && $S(total) > 0} {
        set data [string range $data 0 end-1]
    }
    set length [string length $data]
    if {$S(bad) < 0 && !$S(blind)
            && $data ne [stream::part P $S(total) $length]} {
        set S(bad) $S(total)
    }
    incr S(total) $length
}

# The last line may have no end.

proc end::GotLine {line} {
    variable S
    Got $line
    if {![eof $S(chan)]} {
        Got \n
    }
}

proc end::Done {result} {
    variable S
    if {$S(done) eq ""} {
        set S(done) $result
        if {$S(pumping)} {
            testpump stop
        }
    }
}

proc end::Code {options} {
    return [list error [lrange [dict get $options -errorcode] 0 1]]
}

# fcopy tells its callback the text alone.

proc end::CodeOf {message} {
    foreach {pattern name} {
        *reset* ECONNRESET *pipe* EPIPE *abort* ECONNABORTED
        *connected* ENOTCONN
    } {
        if {[string match $pattern $message]} {
            return [list POSIX $name]
        }
    }
    return $message
}

# Runs a handler's script: an error is the operation's result, and with it no
# handler is left.

proc end::Guard {script} {
    variable S
    if {[catch {uplevel 1 $script} result options] == 1} {
        catch {fileevent $S(chan) readable {}}
        catch {fileevent $S(chan) writable {}}
        Done [Code $options]
    }
}

# Services events until the operation has a result, in one of the ways that
# scripts have.

proc end::Await {style} {
    variable S
    variable driver
    if {$style eq "pump" && $driver ne "linux"} {
        set S(pumping) 1
        while {$S(done) eq ""} {
            testpump run 600000
        }
        set S(pumping) 0
    } elseif {$style eq "update"} {
        while {$S(done) eq ""} {
            update
            after 1
        }
    } elseif {$style eq "nested"} {
        Nest 2
    } else {
        Nest 0
    }
    return $S(done)
}

proc end::Nest {depth} {
    variable S
    if {$depth > 0} {
        set S(nest) [after 0 [list ::end::Nest [expr {$depth - 1}]]]
    }
    while {$S(done) eq ""} {
        vwait ::end::S(done)
    }
}

# A handler that waits for more, as one may.

proc end::MayNest {style} {
    variable S
    if {$style eq "inside" && $S(depth) < 3 && $S(done) eq ""} {
        incr S(depth)
        Nest 0
    }
}

# ----------------------------------------------------------------------
# Receiving: "until" is the number of bytes in total, or "end"

# Whether there is a result, which is kept.

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

# For a handler: one read of the mover's kind.

proc end::Some {mover} {
    variable S
    set before $S(total)
    set pending [chan pending input $S(chan)]
    switch $mover {
        small {
            Got [read $S(chan) [expr {[incr S(reads)] > 100 ? 2000 : 7}]]
        }
        gets {
            # A line per event takes minutes for many.
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

# A temporary file for fcopy, with these bytes in it.

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

# What fcopy has put into the file.

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
    # After a gets that found a part of a line, Tcl reports the channel
    # readable only when more has come.
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

# Takes what comes for a while.

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

# ----------------------------------------------------------------------
# Sending

proc end::Next {count} {
    variable S
    set data [stream::part T $S(written) $count]
    incr S(written) $count
    return $data
}

# Until nothing is left in Tcl's buffers that only the event loop moves.

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

# Sends back what the peer has sent, from "from" to "until": what was taken
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
        # How much was copied before an error, nobody knows.
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
        # How much was copied before an error, nobody knows.
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

# Closes behind bytes that are still in Tcl's buffer.

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

# ----------------------------------------------------------------------
# Where an operation runs

# The core's driver often reports nothing any more when its channel has moved to
# another thread, and Debian's tclsh lacks the means: they do it where they are.

# One operation: its result.

proc end::Perform {op} {
    variable S
    array set S {done {} depth 0 copies 0 copied {} pumping 0 reads 0 nest {}}
    set code [catch {op.[lindex $op 0] {*}[lrange $op 1 end]} result options]
    # An event loop of the next operation's would enter it, and stay there.
    after cancel $S(nest)
    if {$code == 1} {
        set result [Code $options]
        if {[lindex $result 1] eq "NONE" || [lindex $result 1 0] eq "TCL"} {
            lappend result [string map {\n " "} \
                [dict get $options -errorinfo]]
        }
        catch {fileevent $S(chan) readable {}}
        catch {fileevent $S(chan) writable {}}
    }
    return $result
}

# The same, somewhere else: state goes there and comes back.

proc end::Remote {state op back} {
    variable S
    array set S $state
    set result [Perform $op]
    catch {Empty}
    uplevel #0 $back
    return [list [array get S] $result]
}

# A channel with bytes in Tcl's own buffer is not moved: Tcl 8.6.13 loses the
# timer that offers them. A timer that is still set from before has to run
# first, too: Tcl would take it for one of the new thread's.

proc end::Empty {} {
    variable S
    Settle
    if {[chan pending input $S(chan)] > 0} {
        fconfigure $S(chan) -blocking 0
        Got [read $S(chan)]
    }
    update
}

proc end::place.thread {op} {
    variable S
    variable thread
    if {![info exists thread]} {
        set thread [testthread create [list apply {{file driver} {
            set ::argv [list $driver]
            set ::isThread 1
            source $file
        }} [file join $::end::dir differentialEnd.tcl] $::end::driver]]
    }
    Empty
    testthread transfer $thread $S(chan)
    lassign [testthread send $thread [list ::end::Remote [array get S] $op \
        [list testthread transfer [testthread id] $S(chan)]]] state result
    array set S $state
    return $result
}

proc end::place.interp {op} {
    variable S
    variable child
    if {![info exists child]} {
        set child [interp create]
        interp eval $child [list set ::argv [list $::end::driver]]
        interp eval $child {set ::isThread 1}
        interp eval $child [list set ::auto_path $::auto_path]
        interp eval $child \
            [list source [file join $::end::dir differentialEnd.tcl]]
    }
    set chan $S(chan)
    interp transfer {} $chan $child
    lassign [interp eval $child [list ::end::Remote [array get S] $op {}]] \
        state result
    interp transfer $child $chan {}
    array set S $state
    return $result
}

# ----------------------------------------------------------------------
# The connection, and the commands

proc end::Accepted {chan args} {
    variable S
    set S(chan) $chan
}

proc end::Connect {kind port mode options} {
    variable S
    variable command
    variable driver
    array unset S
    array set S {
        chan {} total 0 written 0 bad -1 blind 0 empty 0 done {} pumping 0
    }
    if {$kind eq "accept"} {
        set listener [$command -server ::end::Accepted -myaddr 127.0.0.1 0]
        if {$driver eq "own"} {
            fconfigure $listener -recvmode $mode
        }
        puts "port [lindex [fconfigure $listener -sockname] 2]"
        flush stdout
        while {$S(chan) eq ""} {
            vwait ::end::S(chan)
        }
        close $listener
    } elseif {$kind eq "async"} {
        set S(chan) [$command -async 127.0.0.1 $port]
        fileevent $S(chan) writable {::end::Done connected}
        Await vwait
        fileevent $S(chan) writable {}
    } else {
        set S(chan) [$command 127.0.0.1 $port]
    }
    if {$driver eq "own"} {
        fconfigure $S(chan) -recvmode $mode
    }
    fconfigure $S(chan) -translation binary {*}$options
}

proc end::command.run {setup ops} {
    variable S
    variable busyEvents
    if {[catch {Connect {*}$setup} result options]} {
        puts "op [list [string map {\n " "} [list [Code $options] $result]]]"
    } else {
        foreach op $ops {
            set rest [lassign $op place]
            if {$place eq "main"
                    || ($place eq "thread" && $::end::driver ne "own")} {
                set result [Perform $rest]
            } elseif {[catch {place.$place $rest} result options]} {
                set result [list [Code $options] $result]
            }
            puts "op [list [string map {\n " "} $result]]"
            flush stdout
        }
    }
    set few [expr {$S(empty) <= $busyEvents ? "few" : "many: $S(empty)"}]
    variable inject
    if {$inject eq "answer" && [lsearch -index 0 $ops main] >= 0
            && [lsearch -index 1 $ops give] >= 0} {
        set few altered
    }
    puts "op [list [list events $few bad $S(bad)]]\ndone"
}

# Counters of the driver that do not come to zero.

proc end::command.finish {} {
    variable S
    variable driver
    catch {close $S(chan)}
    set left [Left]
    for {set i 0} {$i < 1000 && $left ne ""} {incr i} {
        after 10 {set ::end::ticked 1}
        vwait ::end::ticked
        set left [Left]
    }
    puts "left [list $left]"
}

proc end::Left {} {
    variable driver
    set left [lsearch -all -inline [chan names] sock*]
    if {$driver eq "own"} {
        set all [iocpsock::stats]
        foreach key {sockets operations bufferBytes handles connections} {
            if {[dict get $all $key] != 0} {
                lappend left $key [dict get $all $key]
            }
        }
    }
    return $left
}

proc end::Command {} {
    if {[gets stdin line] >= 0} {
        fileevent stdin readable {}
        if {[catch {command.[lindex $line 0] {*}[lrange $line 1 end]}]} {
            puts [list failed $::errorInfo]
            exit 3
        }
        flush stdout
        fileevent stdin readable ::end::Command
    } elseif {[eof stdin]} {
        exit
    }
}

if {$::end::driver ne "linux"} {
    package require iocpsocktest
}
if {$::end::driver eq "own"} {
    package require iocpsock
    set end::command ::iocpsock::socket
} else {
    set end::command ::socket
}
if {![info exists ::isThread]} {
    fconfigure stdout -buffering full -translation lf
    puts ready
    flush stdout
    fileevent stdin readable ::end::Command
    vwait forever
}
