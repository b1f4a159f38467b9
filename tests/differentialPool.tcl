# differentialPool.tcl --
#
#       Runs scenarios of differentialPlan.tcl. Workers are Tcl ends
#       (differentialEnd.tcl) in tclshes of all kinds. Each scenario has a
#       peer, a process outside Wine (peerPlay.c).

namespace eval pool {
    variable dir [file dirname [file normalize [info script]]]
    # For each worker, by its pipe: its end, the task and its state.
    variable W
    variable queue
    variable outcome
    variable pending 0
    # The limits of a peer, and of a scenario.
    variable peerMs 60000
    variable limitMs 80000
    variable startMs 120000
    # The fault on purpose at iocpsock's ends or at Linux's.
    variable inject {}
    variable injectLinux 0
    variable Done
}

# pool::run --
#
#       Runs tasks with a number of workers for each end.
#
# Arguments:
#       tasks       a list of {token end scenario}; an end is core86, own86,
#                   core90, own90 or linux
#       workers     the most for each end
#       doneProc    called with token and end after each task
#
# Results:
#       None. The results are in pool::outcome(TOKEN,END): a list of the result
#       of each operation, of events, of the peer, and of what is left.

proc pool::run {tasks workers doneProc} {
    variable queue
    variable pending [llength $tasks]
    variable Done $doneProc
    array unset queue
    foreach task $tasks {
        lappend queue([lindex $task 1]) $task
    }
    foreach end [array names queue] {
        # Workers of the core's driver often wait forever.
        set most [expr {[string match core* $end] ? 2 * $workers : $workers}]
        set count [expr {min($most, [llength $queue($end)])}]
        for {set i 0} {$i < $count} {incr i} {
            Start $end
        }
    }
    while {$pending > 0} {
        vwait ::pool::pending
    }
}

# Begins no more tasks.

proc pool::stop {} {
    variable queue
    variable pending
    foreach end [array names queue] {
        incr pending -[llength $queue($end)]
        set queue($end) {}
    }
}

proc pool::Start {end} {
    variable W
    variable dir
    variable inject
    variable injectLinux
    variable startMs
    set file [file join $dir differentialEnd.tcl]
    if {$end eq "linux"} {
        set command [list [info nameofexecutable] $file linux]
        if {$injectLinux} {
            lappend command $inject
        }
    } else {
        regexp {^(core|own)(.*)$} $end - driver version
        set command [list [file join $dir .. tools tclsh$version] $file \
            $driver]
        if {$driver eq "own"} {
            lappend command $inject
        }
    }
    set pipe [open "|$command 2>@stderr" r+]
    fconfigure $pipe -blocking 0 -buffering line -translation {auto lf} \
        -encoding iso8859-1
    array set W [list $pipe,end $end $pipe,task {} $pipe,peer {}]
    set W($pipe,timer) [after $startMs [list ::pool::Stalled $pipe start]]
    fileevent $pipe readable [list ::pool::Heard $pipe]
}

proc pool::Next {pipe} {
    variable W
    variable queue
    variable limitMs
    set end $W($pipe,end)
    after cancel $W($pipe,timer)
    set queue($end) [lassign $queue($end) task]
    if {$task eq ""} {
        End $pipe
        return
    }
    set scripts [plan::scripts [lindex $task 2]]
    array set W [list $pipe,task $task $pipe,results {} $pipe,said {} \
        $pipe,heard failed $pipe,done no $pipe,scripts $scripts]
    set W($pipe,timer) [after [Limit $end $scripts] \
        [list ::pool::Stalled $pipe run]]
    if {[lindex [dict get $scripts setup] 0] eq "accept"} {
        Run $pipe 0
    } else {
        Peer $pipe 0
    }
}

# The core's driver often waits forever when the peer has left, the channel has
# moved, or there was an urgent byte. That is known, so nobody waits for it.

proc pool::Limit {end scripts} {
    variable limitMs
    if {[string match core* $end]
            && [lsearch -regexp [dict get $scripts labels] \
                {peer-gone|urgent-}] >= 0} {
        return 12000
    }
    return $limitMs
}

proc pool::Run {pipe port} {
    variable W
    set scripts $W($pipe,scripts)
    puts $pipe [list run \
        [linsert [dict get $scripts setup] 1 $port] [dict get $scripts ops]]
}

proc pool::Peer {pipe port} {
    variable W
    variable dir
    variable peerMs
    set peer [open |[list \
        [file join $dir .. build native-gcc peer] play port=$port \
        limit=$peerMs {*}[dict get $W($pipe,scripts) peer] 2>@stderr] r+]
    fconfigure $peer -blocking 0
    set W($pipe,peer) $peer
    fileevent $peer readable [list ::pool::PeerSays $pipe $peer]
}

proc pool::PeerSays {pipe peer} {
    variable W
    if {[gets $peer line] >= 0} {
        switch -regexp -matchvar match $line {
            {^listening port=(\d+)$} {
                Run $pipe [lindex $match 1]
            }
            {^end got=(\d+) wrong=(-?\d+) how=(\w+)} {
                set W($pipe,heard) [lrange $match 1 3]
            }
        }
    } elseif {[eof $peer]} {
        DropPeer $pipe
        set W($pipe,said) $W($pipe,heard)
        Check $pipe
    }
}

proc pool::DropPeer {pipe} {
    variable W
    if {$W($pipe,peer) ne ""} {
        fconfigure $W($pipe,peer) -blocking 1
        catch {close $W($pipe,peer)}
        set W($pipe,peer) {}
    }
}

proc pool::Heard {pipe} {
    variable W
    if {[gets $pipe line] >= 0} {
        if {[catch {lindex $line 0} word]} {
            set word {}
        }
        switch $word {
            ready {
                Next $pipe
            }
            port {
                Peer $pipe [lindex $line 1]
            }
            op {
                lappend W($pipe,results) [lindex $line 1]
            }
            done - exiting {
                set W($pipe,done) $word
                Check $pipe
            }
            left {
                Complete $pipe [lindex $line 1]
                Next $pipe
            }
            default {
                puts stderr "$W($pipe,end): $line"
            }
        }
    } elseif {[eof $pipe]} {
        Gone $pipe
    }
}

# The end has finished its script, and the peer has ended.

proc pool::Check {pipe} {
    variable W
    if {$W($pipe,done) eq "done" && $W($pipe,said) ne ""} {
        set W($pipe,done) finished
        puts $pipe finish
    } elseif {$W($pipe,done) eq "exited" && $W($pipe,said) ne ""} {
        Complete $pipe {}
        Renew $pipe
    }
}

proc pool::Complete {pipe left} {
    variable W
    variable outcome
    variable pending
    variable Done
    lassign $W($pipe,task) token end
    # The operations that were not done, then events, the peer, and what is
    # left.
    set results $W($pipe,results)
    set wanted [expr {[llength [dict get $W($pipe,scripts) labels]] - 2}]
    set missing [expr {max(0, $wanted - [llength $results])}]
    set results [lrange [concat $results [lrepeat $missing none]] 0 $wanted-1]
    set outcome($token,$end) [linsert $results end $W($pipe,said) $left]
    set W($pipe,task) {}
    {*}$Done $token $end
    incr pending -1
}

# A process has ended, as it was told to or not.

proc pool::Gone {pipe} {
    variable W
    fileevent $pipe readable {}
    if {$W($pipe,task) eq ""} {
        puts stderr "$W($pipe,end) ended at its start"
        exit 2
    }
    if {$W($pipe,done) eq "exiting"} {
        set W($pipe,done) exited
        Check $pipe
    } else {
        Fail $pipe died
    }
}

proc pool::Stalled {pipe what} {
    variable W
    if {$what eq "start"} {
        puts stderr "$W($pipe,end) does not start"
        exit 2
    }
    Fail $pipe stalled
}

# The current operation gets this result, and another worker continues.

proc pool::Fail {pipe how} {
    variable W
    set W($pipe,said) [expr {$W($pipe,said) eq "" ? $how : $W($pipe,said)}]
    lappend W($pipe,results) $how
    foreach id [expr {$W($pipe,peer) eq "" ? {} : [pid $W($pipe,peer)]}] {
        catch {exec kill -9 $id}
    }
    if {$W($pipe,peer) ne ""} {
        fileevent $W($pipe,peer) readable {}
        DropPeer $pipe
    }
    Complete $pipe $how
    Renew $pipe
}

proc pool::Renew {pipe} {
    variable W
    variable queue
    set end $W($pipe,end)
    End $pipe
    if {$queue($end) ne ""} {
        Start $end
    }
}

# Ends a worker at once, because it may hang.

proc pool::End {pipe} {
    variable W
    after cancel $W($pipe,timer)
    foreach id [pid $pipe] {
        catch {exec kill -9 $id}
    }
    fconfigure $pipe -blocking 1
    catch {close $pipe}
    array unset W $pipe,*
}
