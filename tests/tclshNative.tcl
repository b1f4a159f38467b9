# tclshNative.tcl --
#
#       Runs in Debian's own tclsh, outside Wine. It talks through real
#       sockets with the Windows tclsh over iocpsock, first as its client, then
#       as its server.
#
#           tclshNative.tcl RUNNER

source [file join [file dirname [file normalize [info script]]] \
    nativeSupport.tcl]
set peerFile [file join $here tclshPeer.tcl]
source $peerFile

namespace eval native {
    variable pipe
    variable line
    variable startMs 40000
}

# Starts the Windows side and leaves its pipe open for reading and writing.
proc native::start {mode} {
    variable pipe
    set pipe [open "|[list $::runner $::peerFile $mode] 2>@stderr" r+]
    fconfigure $pipe -buffering line -blocking 0 -translation auto
}

# Returns a line from the Windows side, or an error after the guard time.
proc native::answer {} {
    variable pipe
    variable line
    variable startMs
    set timer [after $startMs {set native::line "no answer in time"}]
    fileevent $pipe readable native::LineReady
    vwait native::line
    after cancel $timer
    fileevent $pipe readable {}
    return $line
}

proc native::LineReady {} {
    variable pipe
    variable line
    if {[gets $pipe text] >= 0} {
        set line [string trimright $text \r]
    } elseif {[eof $pipe]} {
        set line "the Windows side ended"
    }
}

proc native::ask {args} {
    variable pipe
    puts $pipe $args
    answer
}

# Ends the Windows side by the end of its input, or else by its process id.
proc native::stop {} {
    variable pipe
    variable line
    variable startMs
    set ids [pid $pipe]
    set timer [after $startMs [list native::End $ids]]
    close $pipe write
    fconfigure $pipe -blocking 0
    fileevent $pipe readable native::LineReady
    while {![eof $pipe]} {
        vwait native::line
    }
    fconfigure $pipe -blocking 1
    set status [catch {close $pipe} message]
    after cancel $timer
    if {$status} {
        return $message
    }
    return ended
}

proc native::End {ids} {
    foreach id $ids {
        catch {exec kill $id}
    }
}

# --- Debian's tclsh connects, iocpsock serves -----------------------------

native::start serve
set port [native::answer]
if {![string is integer -strict $port]} {
    puts stderr "tclsh.sh: the Windows side did not start: $port"
    native::stop
    exit 1
}

test tclsh-1.1 {questions are answered} -body {
    peer::Call_lines ::socket $port 200
} -result {0 wrong}
test tclsh-1.2 {questions are answered in blocking mode} -body {
    peer::Call_blocking ::socket $port 200
} -result {0 wrong}
test tclsh-1.3 {one byte is sent back, and the end with a half-close} -body {
    peer::Call_echo ::socket $port 1
} -result ok
test tclsh-1.4 {bulk data is sent back while more is sent} -body {
    peer::Call_echo ::socket $port 6000001
} -result ok
test tclsh-1.5 {a close in the background delivers bulk data} -body {
    peer::Call_source ::socket $port 8000003
} -result ok
test tclsh-1.6 {bulk data arrives, and the answer after a half-close} -body {
    peer::Call_sink ::socket $port 8000005
} -result ok
test tclsh-1.7 {the client sees a reset by iocpsock} -body {
    set result [peer::Call_reset ::socket $port 4000000]
    expr {$result in {{go eof} {go {POSIX ECONNRESET}}} ? "ok" : $result}
} -result ok
test tclsh-1.8 {forty clients at once get all their data} -body {
    set chans {}
    for {set i 0} {$i < 40} {incr i} {
        set chan [peer::Dial ::socket $port "source 100003"]
        lappend chans $chan
        set peer::got($chan) {}
        fileevent $chan readable [list peer::Collect $chan $chan]
    }
    set verdicts {}
    foreach chan $chans {
        set how [peer::await $chan]
        close $chan
        lappend verdicts $how [peer::verdict $peer::got($chan) 100003]
        unset peer::got($chan)
    }
    lsort -unique $verdicts
} -result {eof ok}
test tclsh-1.9 {clients that reset in mid-stream do no harm} -body {
    for {set i 0} {$i < 20} {incr i} {
        set chan [peer::Dial ::socket $port "source 3000000"]
        fconfigure $chan -blocking 1 -buffersize 16
        read $chan 1
        close $chan
    }
    peer::Call_lines ::socket $port 10
} -result {0 wrong}
test tclsh-1.10 {the Windows side ends by itself} -body {
    native::stop
} -result ended

# --- iocpsock connects, Debian's tclsh serves -----------------------------

set listener [peer::serve ::socket]
set port [lindex [fconfigure $listener -sockname] 2]
native::start call

test tclsh-2.1 {questions are answered} -body {
    native::ask lines $port 200
} -result {0 wrong}
test tclsh-2.2 {questions are answered in blocking mode} -body {
    native::ask blocking $port 200
} -result {0 wrong}
test tclsh-2.3 {one byte comes back, and the end after a half-close} -body {
    native::ask echo $port 1
} -result ok
test tclsh-2.4 {bulk data comes back while more is sent} -body {
    native::ask echo $port 6000001
} -result ok
test tclsh-2.5 {bulk data is read to the end} -body {
    native::ask source $port 8000003
} -result ok
test tclsh-2.6 {bulk data is sent, and the answer read after a half-close} \
-body {
    native::ask sink $port 8000005
} -result ok
test tclsh-2.7 {a reset by the server reads as the end of file} -body {
    native::ask reset $port 100
} -result {go eof}
test tclsh-2.8 {a refused connect gives the core's error} -body {
    set gone [::socket -server peer::Greet -myaddr 127.0.0.1 0]
    set closed [lindex [fconfigure $gone -sockname] 2]
    close $gone
    native::ask lines $closed 1
} -result {error: couldn't open socket: connection refused}
test tclsh-2.9 {the Windows side ends by itself} -body {
    native::stop
} -result ended

close $listener
native::endTests
