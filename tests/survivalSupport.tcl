# survivalSupport.tcl --
#
#       Sourced by survival.tcl: the clients outside Wine, the frame of a case,
#       and a server that sends lines back.

namespace eval survival {
    variable long [expr {$::env(IOCPSOCK_SURVIVAL) eq "long"}]
    variable peerPort
    variable serverPid
    variable filesMax
    variable pid
    lassign $::env(IOCPSOCK_PEER) peerPort serverPid filesMax pid
    variable heard              ;# the lines of each peer not yet taken
    variable open {}            ;# a dict of the server's connections
    variable served 0           ;# how many it has accepted
    variable wrong {}
    variable row
    variable memoryBytes
    variable limitMs [expr {$long ? 600000 : 60000}]
}

# The limit for a test: that of run.tcl is for short ones.
set ::run::limitMs $survival::limitMs

proc survival::size {short long} {
    return [expr {$::survival::long ? $long : $short}]
}

# ----------------------------------------------------------------------
# The peers. Each has a control connection, by the core's driver.

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

# Waits for the next line of a peer, which must begin with that word. Returns
# the rest as a dict. After "end" the peer is gone.

proc survival::hear {peer {word end} {ms {}}} {
    variable heard
    variable limitMs
    set ms [expr {$ms eq "" ? $limitMs : $ms}]
    support::wait ::survival::heard($peer) \
        {[llength $::survival::heard($peer)] > 0} $ms
    set heard($peer) [lassign $heard($peer) line]
    return [Parse $peer $line $word]
}

# The same without serving events.

proc survival::hearBusy {peer} {
    variable limitMs
    set deadline [expr {[clock milliseconds] + $limitMs}]
    while {[gets $peer line] < 0} {
        for {set i 0} {$i < 1000} {incr i} {
            # The script is busy.
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

# Returns the memory, in KiB, and the open files of a process.

proc survival::process {pid} {
    return [ask process pid $pid limit 10000]
}

# ----------------------------------------------------------------------
# Cases

# Adds a text to the failures if the condition is not true.

proc survival::check {condition text} {
    variable wrong
    if {![uplevel 1 [list expr $condition]]} {
        lappend wrong "[uplevel 1 [list subst -nobackslashes $text]]\
            (expected: $condition)"
    }
}

# Sets two columns of the table: how many times, and what was lost.

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

# A server that only accepts a connection for takeOne.

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

# Makes the thread allocate the buffer into which it reads ahead, and keeps.

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

# The end of each case: the next client is served at once, the accept pool is
# full, and after the close of the listener nothing is left.

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
