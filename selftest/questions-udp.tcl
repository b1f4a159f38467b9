# questions-udp.tcl --
#
#       Datagrams: errors of ICMP, sizes, what the system tells of a datagram,
#       both families in one channel, names.

# A port that nobody has. It was a channel's until now.

proc unusedUdpPort {} {
    set before [dict get [iocpsock::stats] udpChannels]
    set chan [iocpsock::udp -family inet]
    set port [fconfigure $chan -myport]
    close $chan
    support::until {[dict get [iocpsock::stats] udpChannels] == $before}
    return $port
}

# The next datagram of a channel: its bytes and its facts.

proc nextDatagram {chan} {
    set list [iocpsock::recv $chan -max 1 -timeout 10000]
    if {[llength $list] == 0} {
        return {nothing {}}
    }
    return $list
}

question udp-unreachable 60 {
    On Windows, an ICMP "port unreachable" fails a later receive with
    WSAECONNRESET. The driver turns that off: after datagrams to ports that
    nobody has, a channel goes on receiving, and has no error. A connected
    channel reports "connection refused" by -error, once.
} {
    set chan [iocpsock::udp -family inet -myaddr 127.0.0.1]
    set sender [iocpsock::udp 127.0.0.1 [fconfigure $chan -myport]]
    set got {}
    for {set i 0} {$i < 20} {incr i} {
        iocpsock::sendto $chan x 127.0.0.1 [unusedUdpPort]
        iocpsock::sendto $sender $i
        lappend got [lindex [nextDatagram $chan] 0]
    }
    set stats [fconfigure $chan -stats]
    saw "received after each of 20 errors: $got"
    saw "-error: \"[fconfigure $chan -error]\", [dict get $stats errors] errors"
    must {$got eq {0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19}} \
        "an ICMP error broke a receive"
    must {[dict get $stats errors] == 0} "an ICMP error was reported"

    set connected [iocpsock::udp -family inet 127.0.0.1 [unusedUdpPort]]
    fileevent $connected readable list
    # Wine loses the error if no receive is outstanding when it comes.
    support::until {[dict get [fconfigure $connected -stats] recvPending] == 1}
    iocpsock::sendto $connected x
    support::until {[dict get [fconfigure $connected -stats] errors] > 0}
    set error [fconfigure $connected -error]
    saw "connected: \"$error\", then \"[fconfigure $connected -error]\""
    must {$error ne ""} "a connected channel does not report the ICMP error"
}

question udp-sizes 60 {
    Datagrams of 0 to 65507 bytes arrive whole over IPv4, and 65508 are refused
    with EMSGSIZE. With -maxsize 100 a datagram is truncated, which is told.
} {
    set chan [iocpsock::udp -family inet -myaddr 127.0.0.1]
    set sender [iocpsock::udp 127.0.0.1 [fconfigure $chan -myport]]
    foreach bytes {0 1 1472 1473 9000 65507} {
        set sent [support::pattern 0 $bytes]
        iocpsock::sendto $sender $sent
        lassign [nextDatagram $chan] got facts
        saw "$bytes bytes: [string length $got] arrived"
        must {$got eq $sent} "a datagram of $bytes bytes is wrong"
    }
    foreach bytes {65508 65535 65536} {
        set failed [catch {
            iocpsock::sendto $sender [support::pattern 0 $bytes]
        } message options]
        saw "$bytes bytes: $message"
        must {$failed && [lindex [dict get $options -errorcode] 1] eq
            "EMSGSIZE"} "$bytes bytes were not refused"
    }
    fconfigure $chan -maxsize 100
    iocpsock::sendto $sender [support::pattern 0 101]
    lassign [nextDatagram $chan] got facts
    saw "-maxsize 100: [string length $got] bytes,\
        truncated [dict get $facts truncated]"
    must {[string length $got] == 100 && [dict get $facts truncated]} \
        "the truncation of a datagram was not told"
}

question udp-facts 60 {
    One channel receives by IPv4 and by IPv6 at the same port. For each
    datagram, WSARecvMsg gives the local address that it was sent to, the
    interface and the hops that are left.
} {
    set chan [iocpsock::udp]
    set port [fconfigure $chan -myport]
    saw "sockets: [fconfigure $chan -sockname]"
    foreach {family host} {inet 127.0.0.1 inet6 ::1} {
        if {[catch {iocpsock::udp -family $family $host $port} sender]} {
            saw "$family: $sender"
            continue
        }
        iocpsock::sendto $sender $family
        lassign [nextDatagram $chan] got facts
        saw "$host: $got, $facts"
        must {$got eq $family} "a datagram by $family has not come"
        must {$got eq "nothing" || [dict get $facts address] eq $host} \
            "the sender by $family is wrong"
        must {$got eq "nothing" || ([dict get $facts local] eq $host
            && [dict get $facts interface] > 0)} \
            "the local address or the interface by $family is not told"
        must {$got eq "nothing" || [dict get $facts hops] > 0} \
            "the hops by $family are not told"

        # The answer must come from the address that the question went to.
        if {$got ne "nothing"} {
            iocpsock::sendto $chan answer $host [dict get $facts port]
            lassign [nextDatagram $sender] got
            saw "the answer: $got"
            must {$got eq "answer"} "no answer by $family"
        }
    }
}

question udp-name 60 {
    With -async, the name of the peer is looked up in the background: the
    command returns at once, and the event loop runs. An unknown name is
    reported by -error. A datagram waits for a name that is known.
} {
    set ::ticks 0
    set ms [milliseconds {
        set chan [iocpsock::udp -async no.such.host.invalid 9]
    }]
    set during [fconfigure $chan -connecting]
    proc tick {} {
        incr ::ticks
        set ::nextTick [after 1 tick]
    }
    tick
    set wait [milliseconds {
        support::until {![fconfigure $chan -connecting]}
    }]
    after cancel $::nextTick
    saw "the command: $ms ms; the look-up: $wait ms, $::ticks timers"
    set error [fconfigure $chan -error]
    saw "-error: \"$error\""
    must {$during} "the command has waited for the name"
    must {$error ne ""} "an unknown name is not reported"

    set receiver [iocpsock::udp -family inet -myaddr 127.0.0.1]
    set chan [iocpsock::udp -async -family inet localhost \
        [fconfigure $receiver -myport]]
    fconfigure $chan -blocking 0
    iocpsock::sendto $chan waited
    support::until {![fconfigure $chan -connecting]}
    lassign [nextDatagram $receiver] got
    saw "localhost: $got, by [fconfigure $chan -remote]"
    must {$got eq "waited"} "a datagram that waited for a name has not come"
}
