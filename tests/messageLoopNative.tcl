# messageLoopNative.tcl --
#
#       The peers of messageLoop.sh, in Debian's own tclsh, outside Wine.
#
#           messageLoopNative.tcl RUNNER

source [file join [file dirname [file normalize [info script]]] \
    nativeSupport.tcl]
source [file join $here tclshPeer.tcl]
source [file join $here messageLoopPeer.tcl]

# ----------------------------------------------------------------------

set pipe [open "|[list $runner [file join $here messageLoop.tcl]] 2>@stderr" r+]
fconfigure $pipe -blocking 0 -buffering line
lassign [native::line $pipe] native::port(here) native::port(moved)

set n 0
foreach {which from} {here timer here handler moved timer moved handler} {
    incr n
    set how "$which, entered by a $from"

    test messageLoop-$n.1 "clients are answered ($how)" -body {
        lassign [native::enter $which $from] chan other
        set answers {}
        for {set i 0} {$i < 30} {incr i} {
            lappend answers [native::ask $other echo $i]
        }
        list [lsort -unique [lmap answer $answers {lindex $answer 0}]] \
            [llength $answers] [native::leave $which $chan $other]
    } -result {1 30 ok}

    test messageLoop-$n.2 "new clients are accepted ($how)" -body {
        lassign [native::enter $which $from] chan other
        set answers {}
        for {set i 0} {$i < 5} {incr i} {
            set client [native::dial $which]
            lappend answers [native::ask $client echo new]
            close $client
        }
        list [lsort -unique $answers] [native::leave $which $chan $other]
    } -result {{{1 new}} ok}

    test messageLoop-$n.3 "fcopy continues ($how)" -body {
        set copy [native::dial $which]
        puts $copy copy
        lassign [native::enter $which $from] chan other
        fconfigure $copy -translation binary
        puts -nonewline $copy [peer::data 1000000]
        close $copy write
        set got [native::all $copy]
        list [peer::verdict $got 1000000] \
            [native::leave $which $chan $other]
    } -result {ok ok}

    test messageLoop-$n.4 "a close in the background delivers ($how)" -body {
        set sink [native::dial $which]
        lassign [native::enter $which $from] chan other
        puts $sink "send 3000000"
        set answer [native::ask $other echo between]
        set got [native::all $sink]
        list $answer [peer::verdict $got 3000000] \
            [native::leave $which $chan $other]
    } -result {{1 between} ok ok}

    test messageLoop-$n.5 "an asynchronous connect completes ($how)" -setup {
        set listener [socket -server list -myaddr 127.0.0.1 0]
        set to [lindex [fconfigure $listener -sockname] 2]
    } -body {
        lassign [native::enter $which $from] chan other
        list [native::ask $other connect $to] \
            [native::leave $which $chan $other]
    } -cleanup {
        close $listener
    } -result {{1 connected } ok}

    test messageLoop-$n.6 "silent clients are dropped ($how)" -constraints {
        iocpsock
    } -body {
        lassign [native::enter $which $from] chan other
        set silent [socket 127.0.0.1 \
            [lindex [native::ask $other watchdog 200] 1]]
        set got [native::all $silent]
        list $got [native::leave $which $chan $other]
    } -result {{} ok}

    # Each event ends its pass, as its handler moves no bytes. If the driver
    # does not recall the thread, the loop waits after each one.
    test messageLoop-$n.8 "a ready channel does not wait ($how)" -constraints {
        iocpsock
    } -body {
        lassign [native::enter $which $from] chan other
        set waits [lindex [native::ask $other passes 60] 1]
        list [expr {$waits < 30 ? "few" : $waits}] \
            [native::leave $which $chan $other]
    } -result {few ok}

    # The lines of both clients have arrived when the blocking handler returns,
    # so one event is queued behind the other.
    test messageLoop-$n.7 "an event behind the entry is served ($how)" -body {
        set block [native::dial $which]
        set chan [native::dial $which]
        set other [native::dial $which]
        set answers [list [native::ask $chan echo 1] \
            [native::ask $other echo 2] [native::ask $block block]]
        puts $chan "loop $from pump"
        puts $other "echo behind"
        lappend answers [native::ask $block on] [native::line $chan] \
            [lindex [native::line $other] 1]
        close $block
        native::inside $other 1
        list $answers [native::leave $which $chan $other]
    } -result {{{0 1} {0 2} {0 blocking} {0 on} {0 looping} behind} ok}
}

fconfigure $pipe -blocking 1
close $pipe
native::endTests
