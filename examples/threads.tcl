# threads.tcl --
#
#	A server that computes in several threads. One thread accepts all
#	connections and transfers each to a worker thread, which then serves the
#	client.
#
#	    tclsh threads.tcl -port 7011 -workers 4
#
#	program.tcl describes the other options. The server needs the Thread
#	extension. A client sends a line with a number of up to 10000000 and
#	gets the number of primes below it. While one worker computes, the
#	clients of the other workers are served.

source [file join [file dirname [info script]] program.tcl]

# The script that each worker runs at its start.

set service {
    proc serve {chan} {
        fconfigure $chan -blocking 0 -buffering line -translation {auto crlf}
        fileevent $chan readable [list receive $chan]
    }

    proc receive {chan} {
        if {[catch {gets $chan line} length] || $length > 100
                || $length < 0 && [chan pending input $chan] > 1000} {
            catch {close $chan}
        } elseif {$length >= 0} {
            catch {puts $chan [answer [string trim $line]]}
        } elseif {[eof $chan]} {
            catch {close $chan}
        }
    }

    proc answer {line} {
        if {![regexp {^\d{1,8}$} $line] || [scan $line %d] > 10000000} {
            return "error: a number from 0 to 10000000, please"
        }
        primesBelow [scan $line %d]
    }

    # The sieve of Eratosthenes.

    proc primesBelow {limit} {
        set composite [lrepeat [expr {max(1, $limit)}] 0]
        set count 0
        for {set n 2} {$n < $limit} {incr n} {
            if {[lindex $composite $n]} {
                continue
            }
            incr count
            for {set m [expr {$n * $n}]} {$m < $limit} {incr m $n} {
                lset composite $m 1
            }
        }
        return $count
    }
}

# The channel cannot be transferred from within the accept script.

proc accept {chan address port} {
    after 0 [list handOver $chan]
}

proc handOver {chan} {
    global workers
    # Take the first worker, and put it at the end of the queue.
    set workers [lassign $workers worker]
    lappend workers $worker
    thread::transfer $worker $chan
    thread::send -async $worker [list serve $chan]
}

set options [program::options threads {-port 7011 -workers 4}]
if {[dict get $options -workers] ni {1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16}} {
    program::fail "bad value \"[dict get $options -workers]\" for -workers:\
        should be 1 to 16"
}
if {[catch {package require Thread} message]} {
    program::fail $message 1
}
set workers {}
for {set i 0} {$i < [dict get $options -workers]} {incr i} {
    set worker [thread::create]
    # The driver must be loaded in every thread that has its channels.
    thread::send $worker [list set auto_path $auto_path]
    thread::send $worker {catch {package require iocpsock}}
    thread::send $worker $service
    lappend workers $worker
}
program::listen accept
program::wait
foreach worker $workers {
    thread::release $worker
}
