# survival.tcl --
#
#       What a server on iocpsock survives: floods, silent peers, readers and
#       writers that never stop, many connections, long runs. survival.sh runs
#       it, and its environment says where the clients are (peer.c).
#       IOCPSOCK_SURVIVAL is short or long, which differ only in sizes.
#
#       Each case prints a line for the table of tools/soak: ROW and, separated
#       by tabs, the case, what was done, how many times, what was lost, the
#       seconds, and the verdict.

namespace import ::tcltest::*

source [file join $::support::dir survivalSupport.tcl]

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

survival::case a.1 "connect and reset while the script is busy" {
    busyFlood [size 500 10000]
}

proc survival::flood {mode count} {
    variable served
    set listener [serve]
    set failed [books acceptsFailed]
    set said [ask $mode port [support::port $listener] count $count at 64]
    check {[dict get $said connected] == $count} {the flood: $said}

    # The queue is in order, so this client comes last.
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
    check {[dict get $said connected] == $count} {the silent peers: $said}
    support::until {[dict size $::survival::open] == $count + 1}
    poolIsFull $listener
    set ms [servedAtOnce $listener]
    tell $worker end
    set worked [hear $worker]
    check {[dict get $worked failed] + [dict get $worked closed] == 0} \
        {the worker: $worked}
    tell $silent end
    set said [hear $silent]
    check {[dict get $said closed] == 0} {the silent peers: $said}
    report "$count silent; [dict get $worked exchanged] exchanges\
        meanwhile, the slowest [dict get $worked slowestMs] ms; a new client\
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
    check {[dict get $said closed] == $count} {the silent peers: $said}
    check {[dict get $said firstMs] >= $timeoutMs} {the silent peers: $said}
    check {[dict get $said lastMs] <= $timeoutMs + 1000} \
        {the silent peers: $said}
    set timedOut [expr {[books acceptsTimedOut] - $before}]
    check {$timedOut == $count} {timed out: $timedOut}
    tell $worker end
    set worked [hear $worker]
    check {[dict get $worked failed] + [dict get $worked closed] == 0} \
        {the live peers: $worked}
    report "$count silent closed after [dict get $said firstMs] to\
        [dict get $said lastMs] ms; $live live ones made\
        [dict get $worked exchanged] exchanges, the slowest\
        [dict get $worked slowestMs] ms; a new client $ms ms"
    finish $listener
}

survival::case d.1 "silent peers, -acceptmode data" {
    watchdog [size 200 2000] 10 [size 3000 8000]
}

# e, f: complete delivery, back-pressure
source [file join $::support::dir survivalData.tcl]

# ----------------------------------------------------------------------
# g: many at once

proc survival::many {count idleMs} {
    variable pid
    variable serverPid
    variable open
    variable filesMax
    # Wine's server and the process each have a file for every connection, and
    # some others.
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
    # The connections are idle for a time, in which nothing may change.
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
    report "$count at once, 2 exchanges each; an idle one needs [format %.0f \
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
