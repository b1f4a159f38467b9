# survival.tcl --
#
#       What a server on iocpsock bears from its clients: run by survival.sh,
#       which says in the environment where the clients are to be had (peer.c).
#       IOCPSOCK_SURVIVAL is short or long, which differ in sizes alone.
#
#       A test writes a line for tools/soak's table: ROW and, behind tabs, the
#       case, what was done, how many times, what was lost, the seconds, and
#       the verdict.

namespace import ::tcltest::*

namespace eval survival {
    variable long [expr {$::env(IOCPSOCK_SURVIVAL) eq "long"}]
    variable peerPort
    variable serverPid
    variable filesMax
    variable pid
    lassign $::env(IOCPSOCK_PEER) peerPort serverPid filesMax pid
    variable heard              ;# lines of each peer, not yet asked for
    variable open {}            ;# a dict of what the server has open
    variable served 0           ;# how many it was given
    variable wrong {}
    variable row
    variable memoryBytes
    variable limitMs [expr {$long ? 600000 : 60000}]
}

# Of a test: run.tcl's own is for the short ones.
set ::run::limitMs $survival::limitMs

proc survival::size {short long} {
    return [expr {$::survival::long ? $long : $short}]
}

# ----------------------------------------------------------------------
# The peers: each has a connection, by the core's driver, for what is to be
# told and heard.

proc survival::peer {mode args} {
    variable peerPort
    variable heard
    variable limitMs
    set peer [support::coreSocket 127.0.0.1 $peerPort]
    fconfigure $peer -blocking 0 -buffering line -translation lf
    set words [list $mode]
    foreach {name value} [list limit $limitMs {*}$args] {
        dict set pairs $name $value
    }
    dict for {name value} $pairs {
        lappend words $name=$value
    }
    puts $peer $words
    set heard($peer) {}
    fileevent $peer readable [list survival::Hear $peer]
    return $peer
}

proc survival::Hear {peer} {
    variable heard
    while {[gets $peer line] >= 0} {
        lappend heard($peer) $line
    }
    if {[eof $peer]} {
        fileevent $peer readable {}
        lappend heard($peer) "gone"
    }
}

# What a peer says next, which has to be that word, as a dict. With "end" it is
# gone.

proc survival::hear {peer {word end} {ms {}}} {
    variable heard
    variable limitMs
    set ms [expr {$ms eq "" ? $limitMs : $ms}]
    support::wait ::survival::heard($peer) \
        {[llength $::survival::heard($peer)] > 0} $ms
    set heard($peer) [lassign $heard($peer) line]
    return [Parse $peer $line $word]
}

# The same without an event being served.

proc survival::hearBusy {peer} {
    variable limitMs
    set deadline [expr {[clock milliseconds] + $limitMs}]
    while {[gets $peer line] < 0} {
        for {set i 0} {$i < 1000} {incr i} {
            # A script that computes.
        }
        if {[eof $peer] || [clock milliseconds] > $deadline} {
            error "waited in vain for a busy script's peer"
        }
    }
    return [Parse $peer $line end]
}

proc survival::Parse {peer line word} {
    variable heard
    set rest [lassign $line first]
    if {$first ne $word} {
        error "a peer says \"$line\" instead of $word"
    }
    foreach pair $rest {
        regexp {^(\w+)=(.*)$} $pair -> name value
        dict set said $name $value
    }
    if {$first eq "end"} {
        close $peer
        unset heard($peer)
    }
    return $said
}

proc survival::tell {peer word} {
    puts $peer $word
}

proc survival::ask {mode args} {
    return [hear [peer $mode {*}$args]]
}

# The KiB of memory and the files that a process has.

proc survival::process {pid} {
    return [ask process pid $pid limit 10000]
}

# ----------------------------------------------------------------------
# Cases

# If the condition is not true, what is told of it is a failure.

proc survival::check {condition text} {
    variable wrong
    if {![uplevel 1 [list expr $condition]]} {
        lappend wrong "[uplevel 1 [list subst -nobackslashes $text]]\
            (expected: $condition)"
    }
}

# What is said in the table: how many times, and what was lost.

proc survival::report {times {lost nothing}} {
    variable row [list $times $lost]
}

proc survival::lost {count what} {
    return [expr {$count == 0 ? "nothing" : "$count $what"}]
}

proc survival::case {name title script} {
    test survival-$name $title -constraints iocpsock -body \
        [list survival::Run $name $title $script] -result {}
}

proc survival::Run {name title script} {
    variable wrong {}
    variable row {- -}
    variable served 0
    variable memoryBytes
    set started [clock milliseconds]
    readAhead
    set memoryBytes [books memoryBytes]
    if {[catch {namespace eval ::survival $script} message options]} {
        lappend wrong [dict get $options -errorinfo]
    }
    lassign $row times lost
    set seconds [expr {([clock milliseconds] - $started) / 1000.0}]
    run::Say "\n[join [list ROW $name $title $times $lost \
        [format %.1f $seconds] [expr {$wrong eq "" ? "ok" : "FAILED"}]] \t]"
    return [join $wrong \n]
}

# A server that only hands a connection over.

proc survival::serveOne {} {
    variable accepted
    unset -nocomplain accepted
    return [support::sock -server survival::TakeOne -myaddr 127.0.0.1 0]
}

proc survival::TakeOne {chan args} {
    set ::survival::accepted $chan
}

proc survival::takeOne {} {
    variable accepted
    support::wait ::survival::accepted
    set chan $accepted
    unset accepted
    return $chan
}

proc survival::countersAreZero {} {
    set left [support::zeroStats]
    check {[lsort -unique [dict values $left]] eq "0"} {left: $left}
}

# The thread keeps the buffer that it first reads ahead into: it is to be there.

proc survival::readAhead {} {
    set listener [serveOne]
    set client [support::sock 127.0.0.1 [support::port $listener]]
    set chan [takeOne]
    puts -nonewline $client [string repeat x 10000]
    flush $client
    check {[string length [read $chan 10000]] == 10000} {the bytes}
    check {[books memoryBytes] > 262144} {kept: [books memoryBytes]}
    close $chan
    close $client
    close $listener
    countersAreZero
}

proc survival::books {key} {
    return [dict get [iocpsock::stats] $key]
}

# ----------------------------------------------------------------------
# The server: it sends lines back.

proc survival::serve {args} {
    set listener [support::sock -server survival::Accept -myaddr 127.0.0.1 0]
    fconfigure $listener {*}$args
    return $listener
}

proc survival::Accept {chan args} {
    variable open
    variable served
    incr served
    dict set open $chan 1
    fconfigure $chan -blocking 0 -translation binary -buffering line
    fileevent $chan readable [list survival::Echo $chan]
}

proc survival::Echo {chan} {
    if {[catch {
        if {[gets $chan line] >= 0} {
            puts $chan $line
        }
        eof $chan
    } ended] || $ended} {
        Drop $chan
    }
}

# A client that resets may leave an error for the close.

proc survival::Drop {chan} {
    variable open
    dict unset open $chan
    catch {close $chan}
}

proc survival::untilAllGone {} {
    variable limitMs
    support::until {[dict size $::survival::open] == 0} $limitMs
}

# Each case's end: the next client is served at once, the accept pool is full;
# and with the listener gone nothing of all that is left.

proc survival::servedAtOnce {listener} {
    set said [ask exchange port [support::port $listener] limit 30000]
    check {[dict get $said exchanged] == 1} {the next client: $said}
    check {[dict get $said slowestMs] < 1000} {the next client: $said}
    return [dict get $said slowestMs]
}

proc survival::poolIsFull {listener} {
    catch {support::until {[::survival::books acceptsPosted] == 64} 5000}
    set stats [fconfigure $listener -stats]
    check {[dict get $stats acceptsPosted] == 64} {the pool: $stats}
    check {[dict get $stats acceptsQueued] == 0} {the pool: $stats}
}

proc survival::finish {listener} {
    untilAllGone
    servedAtOnce $listener
    untilAllGone
    poolIsFull $listener
    close $listener
    nothingLeft
}

proc survival::nothingLeft {} {
    variable memoryBytes
    countersAreZero
    check {[books memoryBytes] == $memoryBytes} \
        {memory: [books memoryBytes], at the start $memoryBytes}
}

# ----------------------------------------------------------------------
# a, b: floods

proc survival::busyFlood {count} {
    variable served
    set listener [serve]
    set port [support::port $listener]
    set said [hearBusy [peer reset port $port count $count at 256 giveup 250]]
    set woke [clock milliseconds]
    set first [ask exchange port $port]
    untilAllGone
    set ms [expr {[clock milliseconds] - $woke}]
    check {[dict get $said failed] == 0} {the flood: $said}
    check {[dict get $said connected] + [dict get $said gaveUp] == $count} \
        {the flood: $said}
    check {[dict get $first exchanged] == 1} {the first after it: $first}
    report "$count: [dict get $said connected] reset, [dict get $said gaveUp]\
        given up while the queue was full; worked off in $ms ms"
    finish $listener
}

survival::case a.1 "connect and reset, the script is busy" {
    busyFlood [size 500 10000]
}

proc survival::flood {mode count} {
    variable served
    set listener [serve]
    set failed [books acceptsFailed]
    set said [ask $mode port [support::port $listener] count $count at 64]
    check {[dict get $said connected] == $count} {the flood: $said}

    # The queue is in order: this one comes behind them all.
    set first [ask exchange port [support::port $listener]]
    check {[dict get $first exchanged] == 1} {the first after it: $first}
    incr served -1
    untilAllGone
    check {$mode ne "close" || $served == $count} {$served were accepted}
    report "$count in [dict get $said ms] ms: $served accepted,\
        [expr {[books acceptsFailed] - $failed}] gone before" \
        [lost [expr {$mode eq "close" ? $count - $served : 0}] connections]
    finish $listener
}

survival::case a.2 "connect and reset" {
    flood reset [size 500 10000]
}

survival::case b.1 "connect and close" {
    flood close [size 500 10000]
}

# ----------------------------------------------------------------------
# c, d: silent peers

proc survival::besideSilent {count} {
    set listener [serve]
    set port [support::port $listener]
    set worker [peer hold port $port every 10]
    hear $worker held
    set silent [peer silent port $port count $count at 64]
    set said [hear $silent held]
    check {[dict get $said connected] == $count} {the silent ones: $said}
    support::until {[dict size $::survival::open] == $count + 1}
    poolIsFull $listener
    set ms [servedAtOnce $listener]
    tell $worker end
    set worked [hear $worker]
    check {[dict get $worked failed] + [dict get $worked closed] == 0} \
        {the worker: $worked}
    tell $silent end
    set said [hear $silent]
    check {[dict get $said closed] == 0} {the silent ones: $said}
    report "$count silent; [dict get $worked exchanged] exchanges beside\
        them, the slowest [dict get $worked slowestMs] ms; a new client\
        $ms ms"
    finish $listener
}

survival::case c.1 "silent peers, -acceptmode connect" {
    besideSilent [size 200 2000]
}

proc survival::watchdog {count live timeoutMs} {
    set listener [serve -acceptmode data -accepttimeout $timeoutMs]
    set port [support::port $listener]
    set before [books acceptsTimedOut]
    set worker [peer hold port $port count $live at 10 every 50]
    hear $worker held
    set silent [peer silent port $port count $count rate 1000]
    hear $silent held
    support::until {[dict get [fconfigure $listener -stats] waiting] == $count}
    poolIsFull $listener
    set ms [servedAtOnce $listener]
    set waiting [dict get [fconfigure $listener -stats] waiting]
    check {$waiting == $count} {waiting beside the new client: $waiting}
    set said [hear $silent]
    check {[dict get $said closed] == $count} {the silent ones: $said}
    check {[dict get $said firstMs] >= $timeoutMs} {the silent ones: $said}
    check {[dict get $said lastMs] <= $timeoutMs + 1000} \
        {the silent ones: $said}
    set timedOut [expr {[books acceptsTimedOut] - $before}]
    check {$timedOut == $count} {timed out: $timedOut}
    tell $worker end
    set worked [hear $worker]
    check {[dict get $worked failed] + [dict get $worked closed] == 0} \
        {the live ones: $worked}
    report "$count silent closed after [dict get $said firstMs] to\
        [dict get $said lastMs] ms; $live live ones made\
        [dict get $worked exchanged] exchanges, the slowest\
        [dict get $worked slowestMs] ms; a new client $ms ms"
    finish $listener
}

survival::case d.1 "silent peers, -acceptmode data" {
    watchdog [size 200 2000] 10 [size 3000 8000]
}


# ----------------------------------------------------------------------
# e: complete delivery

# How the reader at the other end reads. With a small buffer most waits on
# this side.

proc survival::pace {reader} {
    switch -- $reader {
        fast {return {}}
        slow {return {pause 1 rcvbuf 16384}}
        late {return [list delay [size 100 1000] rcvbuf 16384]}
    }
}

# Writes all of a stream, whatever the channel takes of it.

proc survival::putAll {chan bytes stream} {
    for {set offset 0} {$offset < $bytes} {incr offset 1000000} {
        puts -nonewline $chan [support::pattern $offset \
            [expr {min(1000000, $bytes - $offset)}] $stream]
    }
}

# True if the reader has had every byte.

proc survival::checkWhole {said bytes what} {
    set whole [expr {[dict get $said count] == $bytes
        && [dict get $said wrong] == -1 && [dict get $said how] eq "eof"}]
    check {$whole} {$what: of $bytes bytes the reader has this: $said}
    return $whole
}

proc survival::deliver {listener bytes bufferSize blocking reader stream} {
    set peer [peer sink port [support::port $listener] stream $stream \
        {*}[pace $reader]]
    set chan [takeOne]
    fconfigure $chan -translation binary -buffersize $bufferSize \
        -blocking $blocking
    putAll $chan $bytes $stream
    close $chan
    return [checkWhole [hear $peer] $bytes "$bytes bytes,\
        -buffersize $bufferSize, -blocking $blocking, a $reader reader"]
}

proc survival::deliverAll {sizes} {
    set listener [serveOne]
    set count 0
    set lost 0
    set sum 0
    foreach bytes $sizes {
        foreach bufferSize {4096 65536 1000000} {
            foreach blocking {0 1} {
                foreach reader {fast slow late} {
                    incr sum $bytes
                    if {![deliver $listener $bytes $bufferSize $blocking \
                            $reader [incr count]]} {
                        incr lost
                    }
                }
            }
        }
    }
    close $listener
    report "$count connections, $sum bytes" [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case e.1 "write and close" {
    deliverAll [concat {1 4095 65537 1000003} [size {} 200000000]]
}

# The reader resets in the middle: either a write or the close says so.

proc survival::reset {bytes} {
    set listener [serveOne]
    set count 0
    set silent 0
    foreach bufferSize {4096 65536 1000000} {
        foreach at {1 100000 1000000} {
            set peer [peer sink port [support::port $listener] reset $at \
                rcvbuf 16384]
            set chan [takeOne]
            fconfigure $chan -translation binary -buffersize $bufferSize
            set told [catch {
                putAll $chan $bytes 0
            } message]
            if {[catch {close $chan} message]} {
                set told 1
            }
            hear $peer
            incr count
            if {!$told} {
                incr silent
                check {$told} {no error, -buffersize $bufferSize, reset at $at}
            }
        }
    }
    close $listener
    report "$count connections, each with an error" \
        [lost $silent "errors"]
    nothingLeft
}

survival::case e.2 "write and close, the reader resets" {
    reset [size 20000000 200000000]
}

# At the end of a process. A non-blocking channel loses what Tcl itself has
# still in its buffers, which is Tcl's rule, unless it is told to flush: what
# the driver has taken comes.

proc survival::exitWith {bytes blocking flush reader} {
    set peer [peer sink {*}[pace $reader]]
    set port [dict get [hear $peer listening] port]
    set env [expr {$flush ? {TCL_FLUSH_NONBLOCKING_ON_EXIT 1} : {}}]
    set ended [support::runChild -env $env {
        lassign $argv port bytes blocking
        set chan [support::sock 127.0.0.1 $port]
        fconfigure $chan -translation binary -blocking $blocking
        for {set offset 0} {$offset < $bytes} {incr offset 1000000} {
            puts -nonewline $chan [support::pattern $offset \
                [expr {min(1000000, $bytes - $offset)}]]
        }
        set stats [fconfigure $chan -stats]
        puts [expr {[dict get $stats bytesOut]
            + [dict get $stats sendBuffered]}]
        exit 3
    } $port $bytes $blocking]
    set said [hear $peer]
    set what "$bytes bytes at exit, -blocking $blocking, flush $flush,\
        a $reader reader"
    check {[dict get $ended status] == 3} {$what: the child: $ended}
    set taken [lindex [dict get $ended output] 0]
    if {$blocking || $flush} {
        return [checkWhole $said $bytes $what]
    }
    set whole [expr {[dict get $said wrong] == -1
        && [dict get $said count] >= $taken}]
    check {$whole} {$what: of $taken bytes the reader has this: $said}
    return $whole
}

proc survival::exitAll {sizes} {
    set count 0
    set lost 0
    foreach bytes $sizes {
        foreach {blocking flush} {1 0 0 1 0 0} {
            foreach reader {fast slow late} {
                incr count
                incr lost [expr {![exitWith $bytes $blocking $flush $reader]}]
            }
        }
    }
    report "$count processes" [lost $lost "processes' bytes"]
    nothingLeft
}

survival::case e.3 "write and exit" {
    exitAll [size 1000003 {1 65537 1000003 20000000}]
}

# ----------------------------------------------------------------------
# f: back-pressure

# What is looked at every 100 ms, for a time: a script's list of numbers, of
# which the largest of each are kept. Returns two such lists, for the time's
# first and second half.

proc survival::watch {ms script} {
    variable tick
    set from [clock milliseconds]
    set halves {{} {}}
    while {[set past [expr {[clock milliseconds] - $from}]] < $ms} {
        set half [expr {2 * $past / $ms}]
        set most {}
        foreach old [lindex $halves $half] new [uplevel 1 $script] {
            lappend most [expr {$old eq "" ? $new : max($old, $new)}]
        }
        lset halves $half $most
        after 100 {set ::survival::tick 1}
        vwait ::survival::tick
    }
    return $halves
}

# Reads a little now and then.

proc survival::ReadSlowly {chan token} {
    fileevent $chan readable {}
    support::streamCheck $token [read $chan 1000]
    after 20 [list fileevent $chan readable \
        [list survival::ReadSlowly $chan $token]]
}

# Reads all the rest, and checks it.

proc survival::ReadOn {chan token} {
    variable rest
    if {[catch {
        support::streamCheck $token [read $chan 65536]
        eof $chan
    } ended]} {
        set rest($chan) $ended
    } elseif {$ended} {
        set rest($chan) [support::streamCount $token]
    }
    if {[info exists rest($chan)]} {
        close $chan
    }
}

proc survival::buffered {what chans} {
    set bytes {}
    foreach chan $chans {
        lappend bytes [dict get [fconfigure $chan -stats] $what]
    }
    return $bytes
}

# Writers that never stop, to readers that are slow or do not read at all, in
# each receive mode: what is held for them is bounded and does not grow.

proc survival::stopWriters {ms} {
    variable rest
    variable pid
    unset -nocomplain rest
    set listener [serveOne]
    set readers {}
    set stream 0
    foreach mode {adaptive zero-byte flow-controlled burst-detection} {
        foreach slow {0 1} {
            set peer [peer source port [support::port $listener] \
                stream [incr stream]]
            set chan [takeOne]
            fconfigure $chan -translation binary -blocking 0 -recvmode $mode
            set token [support::streamNew $stream]
            lappend readers $chan $peer $token $mode
            lappend chans $chan
            # Reads that are longer than the channel's buffer, at first.
            support::streamCheck $token [read $chan 100000]
            if {$slow} {
                ReadSlowly $chan $token
            }
        }
    }
    # What the readers' first bytes need is no growth.
    watch [expr {$ms / 4}] {buffered recvBuffered $chans}
    set before [process $pid]
    lassign [watch $ms {buffered recvBuffered $chans}] first second
    set after [process $pid]
    set grown [expr {[dict get $after private] - [dict get $before private]}]
    foreach {chan peer token mode} $readers was $first is $second {
        check {max($was, $is) <= 1048576} {$mode, recvBuffered: $was, $is}
        # What grows by bursts may take its time to reach the limit.
        check {$is <= $was + 262144 || $mode eq "burst-detection"} \
            {$mode, recvBuffered: $was, then $is}
        lappend held [expr {max($was, $is)}]
    }
    # The two that grow by bursts may come to their limit in this time.
    check {$grown <= 2048} {private memory grew by $grown KiB}
    set lost 0
    foreach {chan peer token mode} $readers {
        tell $peer end
        after cancel [list fileevent $chan readable \
            [list survival::ReadSlowly $chan $token]]
        fileevent $chan readable [list survival::ReadOn $chan $token]
    }
    foreach {chan peer token mode} $readers {
        support::wait ::survival::rest($chan)
        set said [hear $peer]
        set right [expr {$rest($chan) eq [dict get $said count]}]
        incr lost [expr {!$right}]
        check {$right} {read: $rest($chan), written: $said}
    }
    close $listener
    report "[llength $chans] writers for [expr {$ms / 1000}] s: held at most\
        [join $held {, }] bytes, private memory grew by $grown KiB" \
        [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case f.1 "writers outside that never stop" {
    stopWriters [size 3000 60000]
}

# The other direction: readers that do not read.

proc survival::stopReaders {ms} {
    variable pid
    variable writable 0
    set listener [serveOne]
    set writers {}
    foreach cap {default 1 64} {
        set peer [peer sink port [support::port $listener] told 1]
        set chan [takeOne]
        fconfigure $chan -translation binary -blocking 0 \
            -buffersize 65536 -buffering none
        if {$cap ne "default"} {
            fconfigure $chan -sendcap $cap
        }
        set written [support::fill $chan]
        fileevent $chan writable {incr ::survival::writable}
        lappend writers $chan $peer $written
        lappend chans $chan
    }
    set before [process $pid]
    lassign [watch $ms {buffered sendBuffered $chans}] first second
    set after [process $pid]
    set grown [expr {[dict get $after private] - [dict get $before private]}]
    check {$writable == 0} {writable $writable times}
    check {$second eq $first} {sendBuffered: $first, then $second}
    check {$grown <= 1024} {private memory grew by $grown KiB}
    set lost 0
    foreach {chan peer written} $writers {
        set held [dict get [fconfigure $chan -stats] sendBuffered]
        lappend all $held
        set most [expr {[fconfigure $chan -sendcap] * 65536}]
        check {$held > 0 && $held <= $most} {sendBuffered $held of $most}
        tell $peer go
        close $chan
        incr lost [expr {![checkWhole [hear $peer] $written \
            "a reader that began late"]}]
    }
    close $listener
    report "[llength $chans] readers for [expr {$ms / 1000}] s: held [join \
        $all {, }] bytes with -sendcap 4, 1, 64, private memory grew by\
        $grown KiB" \
        [lost $lost "connections' bytes"]
    nothingLeft
}

survival::case f.2 "readers outside that do not read" {
    stopReaders [size 2000 60000]
}

# ----------------------------------------------------------------------
# g: many at once

proc survival::many {count idleMs} {
    variable pid
    variable serverPid
    variable open
    variable filesMax
    # Wine's server has a file for each, and some others; so has the process.
    set count [expr {min($count, $filesMax - 500)}]
    set listener [serve]
    set port [support::port $listener]
    servedAtOnce $listener
    untilAllGone
    poolIsFull $listener
    set memory [books memoryBytes]
    set before [process $pid]
    set server [process $serverPid]
    set peer [peer hold port $port count $count at 64]
    set said [hear $peer held]
    check {[dict get $said exchanged] == $count} {the clients: $said}
    check {[dict size $open] == $count} {open: [dict size $open]}
    poolIsFull $listener
    # Idle for a time, in which nothing may change.
    set idle [watch $idleMs {books memoryBytes}]
    check {[lindex $idle 0] == [lindex $idle 1]} {idle, memory: $idle}
    set each [expr {([lindex $idle 1] - $memory) / double($count)}]
    check {$each <= 1024} {bytes for an idle connection: $each}
    set after [process $pid]
    set serverAfter [process $serverPid]
    foreach {name from to} [list process $before $after server $server \
            $serverAfter] {
        set kib($name) [format %.1f [expr {([dict get $to private]
            - [dict get $from private]) / double($count)}]]
    }
    set ms [servedAtOnce $listener]
    tell $peer go
    set said [hear $peer again]
    check {[dict get $said exchanged] == 2 * $count} {the clients: $said}
    tell $peer end
    set said [hear $peer]
    check {[dict get $said failed] + [dict get $said closed] == 0} \
        {the clients: $said}
    untilAllGone
    report "$count at once, 2 exchanges each; an idle one has [format %.0f \
        $each] bytes in the driver, $kib(process) KiB in the process,\
        $kib(server) KiB in Wine's server; a new client $ms ms" \
        [lost [expr {2 * $count - [dict get $said exchanged]}] exchanges]
    finish $listener
}

survival::case g.1 "connections at once" {
    many [size 500 10000] [size 500 5000]
}

# ----------------------------------------------------------------------
# h: cycles

proc survival::state {} {
    variable pid
    variable serverPid
    set process [process $pid]
    set server [process $serverPid]
    return [list memory [books memoryBytes] handles [books handles] \
        files [dict get $process files] private [dict get $process private] \
        serverFiles [dict get $server files] \
        serverPrivate [dict get $server private]]
}

proc survival::cycle {listener count} {
    set said [ask exchange port [support::port $listener] count $count at 4]
    check {[dict get $said exchanged] == $count} {the clients: $said}
    check {[dict get $said failed] + [dict get $said wrong] == 0} \
        {the clients: $said}
    untilAllGone
    poolIsFull $listener
    return $said
}

proc survival::cycles {warmUp count} {
    set listener [serve]
    cycle $listener $warmUp
    set before [state]
    set said [cycle $listener $count]
    set after [state]
    foreach key {memory handles files serverFiles} {
        check {[dict get $before $key] == [dict get $after $key]} \
            {$key: before $before, after $after}
    }
    foreach key {private serverPrivate} {
        set grown($key) [expr {[dict get $after $key]
            - [dict get $before $key]}]
    }
    check {$grown(private) <= 1024} \
        {private memory grew by $grown(private) KiB}
    report "$count, [expr {$count * 1000 / [dict get $said ms]}] a second;\
        driver's memory and handles and the process's files as before;\
        private memory grew by $grown(private) KiB, that of Wine's server\
        by $grown(serverPrivate) KiB" \
        [lost [expr {$count - [dict get $said exchanged]}] exchanges]
    finish $listener
}

survival::case h.1 "connect, exchange, close" {
    cycles [size 500 5000] [size 2000 200000]
}

cleanupTests
