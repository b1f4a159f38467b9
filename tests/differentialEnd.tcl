# differentialEnd.tcl --
#
#       The Tcl end of the scenarios of differentialOutside.tcl, in any tclsh:
#
#           tclsh differentialEnd.tcl core|own|linux
#
#       It reads commands from standard input, a line each, and answers with
#       lines. At its start it prints "ready". "run SETUP OPS" prints "port N",
#       where it waits for the peer, then "op RESULT" for each operation, and
#       "done". "finish" prints "left" and the counters that are not zero.
#
#       While a scenario runs, only its peer wakes this process: there is no
#       timer, no other connection, and no handler on standard input.
#
#       differentialTake.tcl has the operations that receive,
#       differentialGive.tcl those that send and end.

namespace eval end {
    variable dir [file dirname [file normalize [info script]]]
    # The connection: its channel (chan), the bytes received (total) and
    # written, the position of the first wrong byte (bad), and the number of
    # readable events without data (empty). The operation: its result (done).
    variable S
    variable driver [lindex $::argv 0]
    variable command
    variable busyEvents 30
    variable table
    # A fault on purpose, which shows that the harness finds it.
    variable inject [lindex $::argv 1]
}
source [file join $::end::dir differentialStream.tcl]
source [file join $::end::dir differentialTake.tcl]
source [file join $::end::dir differentialGive.tcl]

# ----------------------------------------------------------------------
# The bytes received, and the wait for the end of an operation

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

# The last line may lack its newline.

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

# fcopy gives its callback only the text of an error.

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

# Runs the script of a handler. An error becomes the result of the operation,
# and ends all handlers.

proc end::Guard {script} {
    variable S
    if {[catch {uplevel 1 $script} result options] == 1} {
        catch {fileevent $S(chan) readable {}}
        catch {fileevent $S(chan) writable {}}
        Done [Code $options]
    }
}

# Serves events until the operation has a result, in one of the ways that
# scripts use.

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

# A handler may itself wait for more data.

proc end::MayNest {style} {
    variable S
    if {$style eq "inside" && $S(depth) < 3 && $S(done) eq ""} {
        incr S(depth)
        Nest 0
    }
}

# ----------------------------------------------------------------------
# The place where an operation runs

# In another thread the core's driver often reports nothing any more, and
# Debian's tclsh cannot move channels. Both run the operation where they are.

# Runs one operation. Returns its result.

proc end::Perform {op} {
    variable S
    array set S {done {} depth 0 copies 0 copied {} pumping 0 reads 0 nest {}}
    set code [catch {op.[lindex $op 0] {*}[lrange $op 1 end]} result options]
    # Otherwise the event loop of the next operation would enter it.
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

# The same in another place: the state goes there and comes back.

proc end::Remote {state op back} {
    variable S
    array set S $state
    set result [Perform $op]
    catch {Empty}
    uplevel #0 $back
    return [list [array get S] $result]
}

# Empties Tcl's own buffer before the channel moves: Tcl 8.6.13 loses the timer
# that reports its bytes. An older timer must run first, too, because Tcl would
# take it for a timer of the new thread.

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

# Prints the counters of the driver that do not become zero.

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
