# survival.tcl --
#
#       What a server on iocpsock bears from its clients: run by survival.sh,
#       which says in the environment where the clients are to be had (peer.c),
#       and whether it is to be the short or the long form. They differ in
#       sizes alone.
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
    servedAtOnce $listener
    untilAllGone
    poolIsFull $listener
    close $listener
    nothingLeft
}

proc survival::nothingLeft {} {
    variable memoryBytes
    set left [support::zeroStats]
    check {[lsort -unique [dict values $left]] eq "0"} {left: $left}
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
    report "[dict get $said connected] reset, [dict get $said gaveUp] given\
        up before, worked off in $ms ms"
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
    report "$count in [dict get $said ms] ms, $served accepted,\
        [expr {[books acceptsFailed] - $failed}] failed accepts" \
        [expr {$mode ne "close" || $served == $count ? "nothing"
            : "[expr {$count - $served}] connections"}]
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

cleanupTests
