# calls.tcl DRIVER FOLDER ?MODE?
#
# The process whose system calls bench/callsOutside.tcl counts. It runs in the
# Windows tclsh. bench/calls.js does the same in Node.
#
# DRIVER   a script whose last command is used in place of socket, as for
#          bench.tcl
# FOLDER   the folder that the web server serves
#
# It prints a line "PORTS name port ..." and serves until the control connection
# ends. The ports, with what each one does:
#   control   takes commands, one a line, and answers "ok" to each
#   echo      sends back what it gets
#   greet     sends five bytes and closes
#   sink      reads pieces of 64 KiB until the end, and closes
#   source    reads a number, sends so many pieces of 64 KiB, and closes
#   web       the web server of examples/
# and those of the datagram servers in udp.tcl.
#
# The commands:
#   mark TEXT              writes "MARK TEXT" to stderr, which also gets Wine's
#                          log of calls
#   run CASE COUNT PORT ?SIZE?
#                          runs a case of this process, between two marks; PORT
#                          is that of a server outside, SIZE that of a datagram
#   workers COUNT SERVE WHEN  makes a server that gives its connections in turn
#                          to so many new threads, where calls::worker::SERVE
#                          serves them. WHEN is "first": at once; or "late":
#                          when this thread has answered the first message and
#                          waited for the second. The answer is "ok PORT", or
#                          "none" without threads
#   enter pump|box         enters a message loop of Windows, which serves the
#                          sockets from then on: a plain one, or a message box's
#   leave                  ends it
#
# With this driver, a mark ends with its counters wakeUps and handOvers.

namespace eval calls {
    variable piece [string repeat x 65536]
    variable ports {}
    variable workers 0
}

proc calls::UseDriver {driver} {
    set commands [lmap part [split $driver ";"] {string trim $part}]
    foreach command [lrange $commands 0 end-1] {
        uplevel #0 $command
    }
    interp alias {} ::calls::Socket {} {*}[lindex $commands end]
    variable load [join [lrange $commands 0 end-1] \n]
    return [lindex $commands end]
}

proc calls::Listen {name proc} {
    variable ports
    set server [Socket -server $proc -myaddr 127.0.0.1 0]
    lappend ports $name [lindex [fconfigure $server -sockname] 2]
}

proc calls::Configure {chan} {
    fconfigure $chan -blocking 0 -translation binary -buffering none \
        -buffersize 65536
}

# One write, so that a line of Wine's log does not come in between.
proc calls::Mark {text} {
    if {[info commands ::iocpsock::stats] ne {}} {
        set stats [iocpsock::stats]
        foreach key {wakeUps handOvers} {
            lappend text $key [dict get $stats $key]
        }
    }
    puts stderr "\nMARK $text"
    flush stderr
}

# ---------------------------------------------------------------- servers

proc calls::EchoAccept {chan address port} {
    Configure $chan
    fileevent $chan readable [list calls::Echo $chan]
}

proc calls::Echo {chan} {
    set bytes [read $chan]
    if {$bytes ne {}} {
        puts -nonewline $chan $bytes
    } elseif {[eof $chan]} {
        close $chan
    }
}

proc calls::Greet {chan address port} {
    puts -nonewline $chan hello
    close $chan
}

proc calls::SinkAccept {chan address port} {
    Configure $chan
    fileevent $chan readable [list calls::Sink $chan]
}

proc calls::Sink {chan} {
    read $chan 65536
    if {[eof $chan]} {
        close $chan
    }
}

proc calls::SourceAccept {chan address port} {
    Configure $chan
    fileevent $chan readable [list calls::Source $chan]
}

proc calls::Source {chan} {
    if {[gets $chan pieces] < 0} {
        return
    }
    fileevent $chan readable {}
    coroutine source$chan calls::SendPieces $chan $pieces
}

proc calls::SendPieces {chan pieces} {
    variable piece
    fileevent $chan writable [info coroutine]
    for {set i 0} {$i < $pieces} {incr i} {
        yield
        if {[catch {puts -nonewline $chan $piece}]} {
            break
        }
    }
    close $chan
}

# ---------------------------------------------------------------- workers

# What a worker does with a connection that it gets.

namespace eval calls::worker {}

proc calls::worker::Echo {chan} {
    calls::EchoAccept $chan - -
}

proc calls::worker::Greet {chan} {
    calls::Greet $chan - -
}

# Results: the port of the server, or "" if the package for threads is missing.
proc calls::Workers {count serve when} {
    variable load
    variable workers
    variable ports
    if {[catch {package require iocpsocktest}]} {
        return
    }
    set name workers-[incr workers]
    set threads {}
    for {set i 0} {$i < $count} {incr i} {
        set thread [testthread create $load]
        foreach proc {
            EchoAccept Configure Echo Greet worker::Echo worker::Greet
        } {
            testthread send $thread "namespace eval calls::worker {}
                [list proc calls::$proc [info args calls::$proc] \
                    [info body calls::$proc]]"
        }
        lappend threads $thread
    }
    variable pools
    dict set pools $name $threads
    Listen $name [list calls::Accept-$when $name $serve]
    return [dict get $ports $name]
}

# A channel cannot be given away from within its accept script.
proc calls::Accept-first {name serve chan address port} {
    after 0 [list calls::Give $name $serve $chan]
}

proc calls::Accept-late {name serve chan address port} {
    Configure $chan
    fileevent $chan readable [list calls::FirstEcho $name $serve $chan]
}

# It waits for a while before it gives the channel away, so that a receive is
# outstanding.
proc calls::FirstEcho {name serve chan} {
    fileevent $chan readable [list calls::Echo $chan]
    after 20 [list calls::LateGive $name $serve $chan [read $chan]]
}

proc calls::LateGive {name serve chan bytes} {
    puts -nonewline $chan $bytes
    Give $name $serve $chan
}

# Gives it to the next worker.
proc calls::Give {name serve chan} {
    variable pools
    set threads [lassign [dict get $pools $name] thread]
    dict set pools $name [list {*}$threads $thread]
    testthread transfer $thread $chan
    testthread send -async $thread [list calls::worker::$serve $chan]
}

# ---------------------------------------------------------------- control

proc calls::ControlAccept {chan address port} {
    fconfigure $chan -buffering line
    fileevent $chan readable [list calls::Control $chan]
}

proc calls::Control {chan} {
    if {[gets $chan line] < 0} {
        exit 0
    }
    set rest [lassign $line command]
    switch -- $command {
        mark {
            Mark $rest
        }
        run {
            # The case runs its own event loop. The control connection must not
            # take part in it.
            fileevent $chan readable {}
            case::[lindex $rest 0] {*}[lrange $rest 1 end]
            fileevent $chan readable [list calls::Control $chan]
        }
        workers {
            set port [Workers {*}$rest]
            puts $chan [expr {$port eq {} ? "none" : "ok $port"}]
            return
        }
        enter {
            puts $chan ok
            Loop {*}$rest
            return
        }
        leave {
            testpump stop
        }
    }
    puts $chan ok
}

# The limit of time is for the case that the peer has gone.
proc calls::Loop {kind} {
    package require iocpsocktest
    testpump [dict get {pump run box box} $kind] 120000
}

# ------------------------------------------------------------------ cases

namespace eval calls::case {}

# Round trips with both ends in this process. The first one, which also accepts
# the connection, does not count.
proc calls::case::echo-in {count port} {
    variable ::calls::ports
    set chan [calls::Socket 127.0.0.1 [dict get $ports echo]]
    calls::Configure $chan
    set ::calls::left 1
    fileevent $chan readable [list calls::Answer $chan]
    puts -nonewline $chan x
    vwait calls::done
    calls::Mark "echo-in begin"
    set ::calls::left $count
    puts -nonewline $chan x
    vwait calls::done
    calls::Mark "echo-in end"
    close $chan
}

proc calls::Answer {chan} {
    variable left
    variable done
    read $chan
    if {[incr left -1] > 0} {
        puts -nonewline $chan x
    } else {
        set done 1
    }
}

proc calls::case::connect {count port} {
    calls::Mark "connect begin"
    for {set i 0} {$i < $count} {incr i} {
        close [calls::Socket 127.0.0.1 $port]
    }
    calls::Mark "connect end"
}

proc calls::case::connect-async {count port} {
    calls::Mark "connect-async begin"
    for {set i 0} {$i < $count} {incr i} {
        set chan [calls::Socket -async 127.0.0.1 $port]
        fileevent $chan writable {set calls::done 1}
        vwait calls::done
        close $chan
    }
    calls::Mark "connect-async end"
}

# Passes of the event loop that find nothing, beside an idle connection.
proc calls::case::idle {count port} {
    variable ::calls::ports
    set chan [calls::Socket 127.0.0.1 [dict get $ports echo]]
    calls::Configure $chan
    fileevent $chan readable [list read $chan]
    update
    calls::Mark "idle begin"
    for {set i 0} {$i < $count} {incr i} {
        update
    }
    calls::Mark "idle end"
    close $chan
}

# ------------------------------------------------------------------- main

proc calls::Main {driver folder} {
    variable ports
    set command [UseDriver $driver]
    fconfigure stderr -translation lf -buffering full
    foreach {name proc} {
        control ControlAccept echo EchoAccept greet Greet sink SinkAccept
        source SourceAccept
    } {
        Listen $name calls::$proc
    }
    set bench [file dirname [file normalize [info script]]]
    uplevel #0 [list source [file join [file dirname $bench] \
        examples httpd.tcl]]
    set web [httpd::start -root $folder -port 0 -socket $command]
    lappend ports web [$web port]
    uplevel #0 [list source [file join $bench udp.tcl]]
    lappend ports {*}[udp::Listen]
    puts "PORTS $ports"
    flush stdout
    vwait forever
}

calls::Main {*}$argv
