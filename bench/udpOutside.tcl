# udpOutside.tcl ?PORTS WAY SECONDS CASE ...?
#
# The peer of the datagram servers in udp.tcl and udp.js, outside Wine. It uses
# Debian's package udp. With arguments it measures these cases, and prints
# "RESULT key value ..." for each. PORTS is the line that the process has printed. The cases:
#   echo1-BYTES     round trips of such datagrams, one in flight
#   echo100-BYTES   the same, 100 in flight
#   in-BYTES        one way into the process; the sender waits for
#                   acknowledgements, so that nothing is lost
#   flood-BYTES     the same at full speed; what was received counts
#   out-BYTES       one way out of the process; what was sent counts

package require udp

namespace eval udpOutside {
    variable host 127.0.0.1
    # Nothing was received for so long: the rest is lost.
    variable lossMs 200
    # How many datagrams of a sender are not acknowledged.
    variable window 64
    variable ackEvery 16
    variable state
    variable asked 0
}

# Opens a socket to a port of this machine.
proc udpOutside::Open {port} {
    variable host
    set chan [udp_open]
    fconfigure $chan -blocking 0 -translation binary -buffering none \
        -buffersize 65536 -remote [list $host $port]
    return $chan
}

# Begins to count: datagrams that were sent, that came (back), that were lost.
# The measurement is over after so many operations, or microseconds. ONLOSS is
# called when nothing came for a while before that.
proc udpOutside::Begin {chan size count us onLoss} {
    variable state
    variable lossMs
    array unset state
    array set state [list chan $chan size $size count $count onLoss $onLoss \
        sent 0 got 0 lost 0 seen 0 over 0 begin [clock microseconds]]
    set state(end) [expr {$state(begin) + $us}]
    set state(timer) [after $lossMs udpOutside::CheckLoss]
}

# Counts datagrams that came. Returns 1 if the measurement is over.
proc udpOutside::Got {number} {
    variable state
    incr state(got) $number
    set now [clock microseconds]
    if {!$state(over) && ($now >= $state(end)
            || $state(got) + $state(lost) >= $state(count))} {
        set state(over) 1
        set state(result) [list ops $state(got) us [expr {
            $now - $state(begin)}]]
    }
    if {$state(over) && $state(got) + $state(lost) >= $state(sent)} {
        set state(drained) 1
    }
    return $state(over)
}

proc udpOutside::CheckLoss {} {
    variable state
    variable lossMs
    if {$state(got) == $state(seen)} {
        {*}$state(onLoss)
    }
    set state(seen) $state(got)
    set state(timer) [after $lossMs udpOutside::CheckLoss]
}

# Gives up what was sent and did not come back.
proc udpOutside::GiveUp {} {
    variable state
    set missing [expr {$state(sent) - $state(got) - $state(lost)}]
    incr state(lost) $missing
    return [expr {[Got 0] ? 0 : $missing}]
}

# Waits until the measurement is over, and what was sent has come or is lost.
proc udpOutside::End {} {
    variable state
    vwait udpOutside::state(drained)
    after cancel $state(timer)
    fileevent $state(chan) readable {}
    return [list {*}$state(result) sent $state(sent) lost $state(lost)]
}

# ------------------------------------------------------------------- echo

# Keeps so many datagrams in flight. After an answer it waits for MS.
proc udpOutside::Echo {chan inFlight size count us {ms 0}} {
    variable state
    Begin $chan $size $count $us udpOutside::EchoLost
    set state(bytes) [string repeat x $size]
    fileevent $chan readable [list udpOutside::EchoAnswer $ms]
    EchoSend $inFlight
    return [End]
}

proc udpOutside::EchoSend {number} {
    variable state
    for {set i 0} {$i < $number
            && $state(sent) - $state(lost) < $state(count)} {incr i} {
        incr state(sent)
        puts -nonewline $state(chan) $state(bytes)
    }
}

# One read returns one datagram, or more of them.
proc udpOutside::EchoAnswer {ms} {
    variable state
    set number [expr {[string length [read $state(chan)]] / $state(size)}]
    if {[Got $number]} {
        return
    }
    if {$ms > 0} {
        after $ms [list udpOutside::EchoSend $number]
    } else {
        EchoSend $number
    }
}

proc udpOutside::EchoLost {} {
    EchoSend [GiveUp]
}

# ------------------------------------------------------------- one way in

# A datagram that asks the sink how many it has received, this one included.
# The answer has the number that it was given.
proc udpOutside::Ask {number size} {
    return [format a%07d%s $number [string repeat x [expr {$size - 8}]]]
}

# Reads answers, of which several may have come. Returns the number that the
# last one was given, and how many datagrams have been received; nothing if
# there is no answer.
proc udpOutside::ReadAnswer {chan} {
    lassign [lrange [regexp -all -inline {a(\d{7}) (\d+)} [read $chan]] \
        end-1 end] number total
    if {$total eq {}} {
        return {}
    }
    scan $number %d number
    return [list $number $total]
}

# Asks until an answer comes. Returns how many datagrams were received, and how
# often it asked.
proc udpOutside::Received {chan} {
    variable lossMs
    variable asked
    variable answer {}
    for {set tries 1} {[lindex $answer 0] ne $asked} {incr tries} {
        puts -nonewline $chan [Ask [incr asked] 8]
        fileevent $chan readable [list udpOutside::Answered $chan]
        set timer [after $lossMs {set udpOutside::answer {}}]
        vwait udpOutside::answer
        after cancel $timer
    }
    fileevent $chan readable {}
    return [list [lindex $answer 1] [expr {$tries - 1}]]
}

proc udpOutside::Answered {chan} {
    variable asked
    set newAnswer [ReadAnswer $chan]
    if {[lindex $newAnswer 0] eq $asked} {
        variable answer $newAnswer
    }
}

proc udpOutside::In {chan size count us} {
    variable state
    set base [lindex [Received $chan] 0]
    Begin $chan $size $count $us udpOutside::InLost
    set state(base) $base
    set state(bytes) [string repeat x $size]
    fileevent $chan readable udpOutside::InAnswer
    InSend
    return [End]
}

proc udpOutside::InSend {} {
    variable state
    variable window
    variable ackEvery
    while {$state(sent) - $state(got) - $state(lost) < $window
            && $state(sent) - $state(lost) < $state(count)} {
        incr state(sent)
        puts -nonewline $state(chan) [expr {$state(sent) % $ackEvery == 0
            || $state(sent) - $state(lost) == $state(count)
            ? [Ask $state(sent) $state(size)] : $state(bytes)}]
    }
}

# What was sent before the question and was not received is lost.
proc udpOutside::InAnswer {} {
    variable state
    lassign [ReadAnswer $state(chan)] number total
    if {$total eq {}} {
        return
    }
    set got [expr {$total - $state(base)}]
    set state(lost) [expr {$number - $got}]
    if {![Got [expr {$got - $state(got)}]]} {
        InSend
    }
}

# Either the question or its answer is lost, so it is asked again.
proc udpOutside::InLost {} {
    variable state
    puts -nonewline $state(chan) [Ask [incr state(sent)] $state(size)]
}

proc udpOutside::Flood {chan size us} {
    set bytes [string repeat x $size]
    set before [lindex [Received $chan] 0]
    set begin [clock microseconds]
    set sent 0
    while {[clock microseconds] - $begin < $us} {
        for {set i 0} {$i < 16} {incr i} {
            puts -nonewline $chan $bytes
        }
        incr sent 16
    }
    lassign [Received $chan] after asks
    set got [expr {$after - $before}]
    incr sent $asks
    return [list ops $got us [expr {[clock microseconds] - $begin}] \
        sent $sent lost [expr {$sent - $got}]]
}

# ------------------------------------------------------------ one way out

# The process sends so many datagrams. COMMAND tells it to, and waits until it
# has.
proc udpOutside::Out {command way size count} {
    variable lossMs
    variable got 0
    set chan [Open 9]
    fileevent $chan readable [list udpOutside::OutCame $chan $size]
    set begin [clock microseconds]
    {*}$command run $way-out $count [fconfigure $chan -myport] $size
    set us [expr {[clock microseconds] - $begin}]
    while {$got < $count} {
        set before $got
        after $lossMs [list set udpOutside::waited 1]
        vwait udpOutside::waited
        if {$got == $before} {
            break
        }
    }
    close $chan
    return [list ops $count us $us sent $count lost [expr {$count - $got}]]
}

proc udpOutside::OutCame {chan size} {
    variable got
    incr got [expr {[string length [read $chan]] / $size}]
}

# ------------------------------------------------------------------- main

# Sends a command to the process, and waits for its end in the event loop.
proc udpOutside::Command {args} {
    variable control
    puts $control $args
    vwait udpOutside::answer
}

proc udpOutside::Main {line way seconds cases} {
    variable host
    variable control
    set ports [lrange $line 1 end]
    set control [socket $host [dict get $ports control]]
    fconfigure $control -buffering line -blocking 0
    fileevent $control readable {gets $udpOutside::control udpOutside::answer}
    foreach case $cases {
        set result [Case $case $way $ports [expr {round($seconds * 1e6)}]]
        dict set result perSecond [expr {
            1e6 * [dict get $result ops] / [dict get $result us]}]
        puts "RESULT $result"
    }
}

proc udpOutside::Case {case way ports us} {
    lassign [split $case -] kind size
    if {$kind eq "out"} {
        set first [Out udpOutside::Command $way $size 2000]
        return [Out udpOutside::Command $way $size [expr {
            max(2000, $us * 2000 / [dict get $first us])}]]
    }
    set name [expr {[string match echo* $kind] ? "echo" : "sink"}]
    set chan [Open [dict get $ports $way-$name]]
    Measure $chan $kind $size 100000
    set result [Measure $chan $kind $size $us]
    close $chan
    return $result
}

proc udpOutside::Measure {chan kind size us} {
    switch -- $kind {
        echo1 - echo100 {
            return [Echo $chan [string range $kind 4 end] $size 1000000000 $us]
        }
        in {
            return [In $chan $size 1000000000 $us]
        }
        flood {
            return [Flood $chan $size $us]
        }
    }
}

if {[file tail $argv0] eq "udpOutside.tcl"} {
    udpOutside::Main {*}[lrange $argv 0 2] [lrange $argv 3 end]
}
