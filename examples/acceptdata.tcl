# acceptdata.tcl --
#
#	A server whose clients send first. Its accept script runs only when the
#	client has sent something. This is -acceptmode data, an option that only
#	iocpsock has.
#
#	    tclsh acceptdata.tcl -port 7012
#
#	-silence MS		10000: a client that has sent nothing by then
#				is disconnected
#
#	program.tcl describes the other options. Clients that connect and stay
#	silent, by mistake or on purpose, need no channel and no script; the
#	driver closes them when their time is up. A client sends one line:
#
#	    time		returns the time
#	    stats		returns the listener's counters: "waiting"
#				counts silent clients, "timedOut" closed ones

source [file join [file dirname [info script]] program.tcl]

# The first bytes have arrived when this is called, but perhaps not the whole
# line.

proc accept {chan address port} {
    fconfigure $chan -blocking 0 -translation {auto crlf}
    set timer [after [dict get $::options -silence] [list close $chan]]
    fileevent $chan readable [list receive $chan $timer]
    receive $chan $timer
}

proc receive {chan timer} {
    set failed [catch {gets $chan line} length]
    if {!$failed && $length < 0 && ![eof $chan]
            && [chan pending input $chan] <= 1000} {
        return
    }
    if {!$failed && $length >= 0} {
        catch {puts $chan [answer [string trim $line]]}
    }
    after cancel $timer
    catch {close $chan}
}

proc answer {line} {
    switch -- $line {
        time { clock format [clock seconds] -gmt 1 }
        stats { fconfigure $::listener -stats }
        default { return "error: time or stats, please" }
    }
}

set options [program::options acceptdata {-port 7012 -silence 10000}]
if {$program::socket ne "::iocpsock::socket"} {
    program::fail "needs iocpsock" 1
}
set listener [program::listen accept -acceptmode data \
    -accepttimeout [dict get $options -silence]]
program::wait
