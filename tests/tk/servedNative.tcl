# servedNative.tcl --
#
#       Sourced by windowsNative.tcl and mouseNative.tcl, after wishNative.tcl:
#       shows that wish serves its sockets in a state.

# Begins two things before a loop, which must continue inside: a copy, half of
# which is sent, and a close with output that the peer has not read.
proc native::begin {} {
    set copy [dial here]
    puts $copy copy
    fconfigure $copy -translation binary
    puts -nonewline $copy [string range [peer::data 300000] 0 149999]
    flush $copy
    set sink [dial here]
    puts $sink "send 3000000"
    return [list $copy $sink]
}

# Tries echoes and new clients in a state. Returns "ok", or the answers.
proc native::answers {other state} {
    set echoes [lsort -unique [lmap i [lrepeat 30 x] {ask $other echo $i}]]
    set clients [lsort -unique [lmap i [lrepeat 5 new] {
        set client [dial here]
        set answer [ask $client echo $i]
        close $client
        set answer
    }]]
    if {$echoes eq [list "$state x"] && $clients eq [list "$state new"]} {
        return ok
    }
    return [list $echoes $clients]
}

# Continues what was begun. Returns the verdicts on both.
proc native::finish {copy sink} {
    puts -nonewline $copy [string range [peer::data 300000] 150000 end]
    close $copy write
    return [list [peer::verdict [all $copy] 300000] \
        [peer::verdict [all $sink] 3000000]]
}

# Tries all that a server does, in a state. Returns "ok", or what it did.
proc native::served {other state begun} {
    set did [list [answers $other $state] [finish {*}$begun]]
    set begun [begin]
    lappend did [ask $other echo between] [finish {*}$begun]
    set listener [socket -server list -myaddr 127.0.0.1 0]
    lappend did [ask $other connect \
        [lindex [fconfigure $listener -sockname] 2]]
    close $listener
    set wanted [list ok {ok ok} "$state between" {ok ok} "$state connected "]
    return [expr {$did eq $wanted ? "ok" : $did}]
}
