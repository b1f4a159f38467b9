# callsOutside.tcl LOG PORTS ?CASE ...?
#
# Counts the system calls that a process under Wine makes for each operation.
# The process runs bench/calls.tcl or bench/calls.js. This script is its peer,
# outside Wine, in the machine's own tclsh. Wine logs the calls to the file LOG,
# and the process writes marks into the same file. PORTS is the line that the
# process has printed.
#
# It prints a line for each case: its name; the system calls for an operation;
# those that threads other than the first one made; how often these other
# threads waited, which is how often they were woken; and, with this driver, its
# counters wakeUps and handOvers.

source [file join [file dirname [info script]] udpOutside.tcl]

namespace eval outside {
    variable host 127.0.0.1

    # The number of operations of each case. Each count has an error of about
    # three calls, those of the marks. The loops are last: they give the thread
    # a window, through which Tcl takes more calls to wake it.
    variable counts {
        echo-wait 150 echo-100 1000 echo-in 400
        accept 200 connect 150 connect-async 150
        receive 200 send 200 web-1 200 web-10 400 web-100 1000 idle 500
        udp-wait 100 udp-echo 600 udp-in 600 udp-out 400
        channel-echo 600 channel-in 600 channel-out 400
        workers-1 1000 workers-2 1000 workers-4 1000
        workers-wait 150 workers-late 150 workers-accept 200
        loop-wait 150 loop-receive 200 loop-send 200
    }

    # Calls in which a thread waits.
    variable waits ^(?:[join {
        NtRemoveIoCompletion NtWaitFor NtDelayExecution
        RtlSleepConditionVariable NtUserGetMessage NtUserMsgWait
    } |])

    # A client that lets the server fall asleep before each request.
    variable thinkMs 10
}

proc outside::Connect {name} {
    variable host
    variable ports
    set chan [socket $host [dict get $ports $name]]
    fconfigure $chan -blocking 0 -translation binary -buffering none
    return $chan
}

# Sends a command, and waits for its end.
proc outside::Command {args} {
    variable control
    puts $control $args
    if {[gets $control answer] < 0 || $answer ne "ok"} {
        error "no answer to the command \"$args\""
    }
}

# Waits until the connection ends, and discards its input.
proc outside::AwaitEnd {chan} {
    fconfigure $chan -blocking 1
    while {![eof $chan]} {
        read $chan 65536
    }
    close $chan
}

# --------------------------------------------------------------- requests

# Sends requests on so many connections, each of which has one outstanding, and
# waits for the answers. COMPLETE is a command that tells whether its argument
# is a whole answer. Each connection has had an answer before the counting
# begins.
proc outside::Requests {case name connections request complete count {ms 0}} {
    variable received
    for {set i 0} {$i < $connections} {incr i} {
        set chan [Connect $name]
        set received($chan) {}
        fileevent $chan readable [list outside::Answer $chan $request \
            $complete $ms]
        lappend chans $chan
    }
    Round $chans $request $connections
    Command mark $case begin
    Round $chans $request $count
    Command mark $case end
    foreach chan $chans {
        close $chan
    }
}

proc outside::Round {chans request count} {
    variable toSend [expr {$count - [llength $chans]}]
    variable toGet $count
    foreach chan $chans {
        puts -nonewline $chan $request
    }
    vwait outside::done
}

proc outside::Answer {chan request complete ms} {
    variable received
    variable toSend
    variable toGet
    variable done
    append received($chan) [read $chan]
    if {[eof $chan]} {
        error "the server has closed a connection"
    }
    if {![{*}$complete $received($chan)]} {
        return
    }
    set received($chan) {}
    if {[incr toSend -1] >= 0} {
        if {$ms > 0} {
            after $ms [list puts -nonewline $chan $request]
        } else {
            puts -nonewline $chan $request
        }
    }
    if {[incr toGet -1] == 0} {
        set done 1
    }
}

proc outside::IsEcho {bytes} {
    return 1
}

proc outside::IsPage {bytes} {
    if {![regexp -nocase {content-length: (\d+)} $bytes -> length]} {
        return 0
    }
    set end [string first \r\n\r\n $bytes]
    return [expr {$end >= 0 && [string length $bytes] >= $end + 4 + $length}]
}

# ------------------------------------------------------------ connections

proc outside::Greetings {name count} {
    variable toOpen $count
    variable toEnd $count
    for {set i 0} {$i < 10} {incr i} {
        OpenGreeting $name
    }
    vwait outside::done
}

proc outside::OpenGreeting {name} {
    variable toOpen
    if {[incr toOpen -1] >= 0} {
        set chan [Connect $name]
        fileevent $chan readable [list outside::Greeted $name $chan]
    }
}

proc outside::Greeted {name chan} {
    variable toEnd
    read $chan
    if {[eof $chan]} {
        close $chan
        OpenGreeting $name
        if {[incr toEnd -1] == 0} {
            variable done 1
        }
    }
}

# ------------------------------------------------------------------ cases

namespace eval outside::case {}

proc outside::case::echo-wait {count} {
    variable ::outside::thinkMs
    outside::Requests echo-wait echo 1 x outside::IsEcho $count $thinkMs
}
proc outside::case::echo-100 {count} {
    outside::Requests echo-100 echo 100 x outside::IsEcho $count
}

foreach connections {1 10 100} {
    proc outside::case::web-$connections {count} [string map \
        [list @ $connections] {
            outside::Requests web-@ web @ \
                "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" \
                outside::IsPage $count
        }]
}

# Ten connections at a time. The server accepts each, sends and closes.
proc outside::Accepts {case name count} {
    foreach {pass total} [list warm 10 counted $count] {
        if {$pass eq "counted"} {
            Command mark $case begin
        }
        Greetings $name $total
    }
    Command mark $case end
}

proc outside::case::accept {count} {
    outside::Accepts accept greet $count
}

# The server gives its connections to worker threads. The first message of each
# is not counted, so that all of them are with their workers.
proc outside::Workers {count serve {when first}} {
    variable control
    variable ports
    puts $control [list workers $count $serve $when]
    if {[gets $control answer] < 0} {
        error "no answer to the command \"workers\""
    }
    if {$answer eq "none"} {
        return -level 2 0
    }
    dict set ports workers [lindex $answer 1]
}

foreach threads {1 2 4} {
    proc outside::case::workers-$threads {count} [string map \
        [list @ $threads] {
            outside::Workers @ Echo
            outside::Requests workers-@ workers 100 x outside::IsEcho $count
        }]
}

# The workers sleep before each request.
foreach {case when} {workers-wait first workers-late late} {
    proc outside::case::$case {count} [string map [list @ $case WHEN $when] {
        variable ::outside::thinkMs
        outside::Workers 4 Echo WHEN
        outside::Requests @ workers 4 x outside::IsEcho $count $thinkMs
    }]
}

proc outside::case::workers-accept {count} {
    outside::Workers 4 Greet
    outside::Accepts workers-accept workers $count
}

proc outside::Receive {case count} {
    set chan [Connect sink]
    fconfigure $chan -blocking 1 -buffersize 65536
    set piece [string repeat x 65536]
    puts -nonewline $chan $piece
    Command mark $case begin
    for {set i 0} {$i < $count} {incr i} {
        puts -nonewline $chan $piece
    }
    close $chan write
    AwaitEnd $chan
    Command mark $case end
}

proc outside::Send {case count} {
    set chan [Connect source]
    Command mark $case begin
    puts $chan $count
    AwaitEnd $chan
    Command mark $case end
}

proc outside::case::receive {count} {
    outside::Receive receive $count
}
proc outside::case::send {count} {
    outside::Send send $count
}

# The same in a message loop of Windows.
proc outside::InLoop {script} {
    Command enter pump
    uplevel 1 $script
    Command leave
}
proc outside::case::loop-wait {count} {
    variable ::outside::thinkMs
    outside::InLoop {
        outside::Requests loop-wait echo 1 x outside::IsEcho $count $thinkMs
    }
}
proc outside::case::loop-receive {count} {
    outside::InLoop {
        outside::Receive loop-receive $count
    }
}
proc outside::case::loop-send {count} {
    outside::InLoop {
        outside::Send loop-send $count
    }
}

# Cases of the process, which connect to this one.
proc outside::Inside {case count} {
    set server [socket -server outside::Discard -myaddr 127.0.0.1 0]
    variable control
    variable answered {}
    puts $control [list run $case $count \
        [lindex [fconfigure $server -sockname] 2]]
    fileevent $control readable {gets $outside::control outside::answered}
    vwait outside::answered
    fileevent $control readable {}
    close $server
    if {$answered ne "ok"} {
        error "no answer to the case \"$case\""
    }
}

proc outside::Discard {chan address port} {
    fconfigure $chan -blocking 0
    fileevent $chan readable [list outside::Discarded $chan]
}

proc outside::Discarded {chan} {
    catch {read $chan}
    if {[eof $chan]} {
        close $chan
    }
}

# -------------------------------------------------------------- datagrams

# With -command (udp-...) or with read and puts (channel-...). Each datagram has
# 64 bytes. Node has only the former, and the core has none.
foreach {way kinds} {udp {wait echo in out} channel {echo in out}} {
    foreach kind $kinds {
        proc outside::case::$way-$kind {count} [string map \
            [list WAY $way KIND $kind] {
                outside::Datagrams WAY-KIND WAY KIND $count
            }]
    }
}

proc outside::Datagrams {case way kind count} {
    Exchange $kind $way 20
    Command mark $case begin
    Exchange $kind $way $count
    Command mark $case end
}

proc outside::Exchange {kind way count} {
    variable ports
    variable thinkMs
    set echo [dict get $ports $way-echo]
    set sink [dict get $ports $way-sink]
    switch -- $kind {
        wait {udpOutside::Run echo $echo 64 $count 60 1 [expr {
            $thinkMs / 1000.0}]}
        echo {udpOutside::Run echo $echo 64 $count 60 100}
        in {udpOutside::Run in $sink 64 $count 60}
        out {udpOutside::Out outside::Command $way 64 $count}
    }
}

# Tells whether the process has no such datagrams.
proc outside::Lacks {case} {
    variable ports
    return [expr {[regexp {^(udp|channel)-} $case -> way]
        && ![dict exists $ports $way-echo]}]
}

# ---------------------------------------------------------------- the log

# Counts the calls between a case's marks. The first thread is the one that
# writes the marks. Returns the numbers for an operation: calls, calls of other
# threads, waits of these, wake-ups and hand-overs as the driver counts them.
proc outside::Count {log case count} {
    variable waits
    variable detail
    set chan [open $log]
    fconfigure $chan -translation binary
    array set found {begin 0 end 0 calls 0 others 0 woken 0}
    array unset driver
    set writer {}
    set main {}
    array unset detail
    while {[gets $chan line] >= 0} {
        if {[regexp {^MARK (\S+) (begin|end)(.*)} $line -> name which rest]} {
            if {$name eq $case} {
                incr found($which)
                foreach {key value} $rest {
                    incr driver($key) [expr {
                        $which eq "begin" ? -$value : $value
                    }]
                }
                set main $writer
            }
        } elseif {[regexp {^([0-9a-f]+):Call \w+\.(\w+)\(} $line -> \
                thread call]} {
            if {$call eq "NtWriteFile"} {
                set writer $thread
            }
            if {$found(begin) && !$found(end)} {
                incr found(calls)
                incr detail([expr {$thread eq $main ? "" : "other: "}]$call)
                if {$thread ne $main} {
                    incr found(others)
                    if {[regexp $waits $call]} {
                        incr found(woken)
                    }
                }
            }
        }
    }
    close $chan
    if {$found(begin) != 1 || $found(end) != 1} {
        error "the log of the case \"$case\" is not complete"
    }
    return [lmap value [list $found(calls) $found(others) $found(woken) \
            {*}[lmap key {wakeUps handOvers} {
                expr {[info exists driver($key)] ? $driver($key) : "-"}
            }]] {
        if {$value ne "-"} {
            set value [format %.2f [expr {double($value) / $count}]]
        }
        set value
    }]
}

# Prints each call of a case, the most frequent first.
proc outside::PrintDetail {count} {
    variable detail
    set rows [lmap {call number} [array get detail] {
        list [format %.2f [expr {double($number) / $count}]] $call
    }]
    foreach row [lsort -real -decreasing -index 0 $rows] {
        puts "DETAIL [join $row]"
    }
}

proc outside::Main {log line cases} {
    variable counts
    variable host
    variable ports [lrange $line 1 end]
    variable control [socket $host [dict get $ports control]]
    fconfigure $control -buffering line
    if {[llength $cases] == 0} {
        set cases [dict keys $counts]
    }
    foreach case $cases {
        if {[Lacks $case]} {
            continue
        }
        if {![dict exists $counts $case]} {
            error "no case \"$case\": should be one of\
                [join [dict keys $counts] {, }]"
        }
        set count [dict get $counts $case]
        if {[info procs case::$case] ne {}} {
            if {[case::$case $count] eq "0"} {
                continue
            }
        } else {
            Inside $case $count
        }
        puts "$case [Count $log $case $count]"
        if {[info exists ::env(DETAIL)]} {
            PrintDetail $count
        }
        flush stdout
    }
}

after 300000 {
    puts stderr "callsOutside.tcl: the cases take too long"
    exit 1
}
outside::Main [lindex $argv 0] [lindex $argv 1] [lrange $argv 2 end]
