# tclshPeer.tcl --
#
#       One end of the conversations of tclsh.sh. The same code runs in
#       Debian's tclsh over the core's socket and in the Windows tclsh over
#       iocpsock, so that each can be the server of the other.
#
#           tclshPeer.tcl serve             prints its port, serves
#           tclshPeer.tcl call              one command a line on stdin,
#                                           one answer a line on stdout
#
#       The first line of a caller names what the server shall do.

namespace eval peer {
    variable guardMs 15000
    variable done
    variable period 64007
    variable block
}

# The bytes of one period: a linear congruential sequence, so that a lost,
# doubled or moved piece of any size shows.
proc peer::MakeBlock {} {
    variable period
    variable block
    set bytes {}
    set value 12345
    for {set i 0} {$i < $period} {incr i} {
        set value [expr {($value * 1103515245 + 12345) & 0x7fffffff}]
        lappend bytes [expr {($value >> 16) & 0xff}]
    }
    set block [binary format c* $bytes]
}

# peer::data count: returns COUNT bytes of the pattern from its start.
proc peer::data {count} {
    variable period
    variable block
    set times [expr {$count / $period + 1}]
    string range [string repeat $block $times] 0 [expr {$count - 1}]
}

# peer::verdict bytes count: returns "ok", or where the bytes first differ.
proc peer::verdict {bytes count} {
    set want [data $count]
    if {$bytes eq $want} {
        return ok
    }
    set length [string length $bytes]
    for {set i 0} {$i < $length && $i < $count} {incr i} {
        if {[string index $bytes $i] ne [string index $want $i]} {
            break
        }
    }
    return "$length bytes of $count, differing at $i"
}

# peer::await token: waits until peer::done(token) is set and returns it.
proc peer::await {token} {
    variable done
    variable guardMs
    set timer [after $guardMs [list set peer::done($token) "timed out"]]
    if {![info exists done($token)]} {
        vwait peer::done($token)
    }
    after cancel $timer
    set result $done($token)
    unset done($token)
    return $result
}

# --- the serving side ------------------------------------------------------

proc peer::serve {command} {
    set listener [$command -server peer::Greet -myaddr 127.0.0.1 0]
    return $listener
}

proc peer::Greet {chan addr port} {
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    fileevent $chan readable [list peer::FirstLine $chan]
}

proc peer::FirstLine {chan} {
    if {[catch {gets $chan line} length]} {
        close $chan
    } elseif {$length >= 0} {
        fileevent $chan readable {}
        Serve_[lindex $line 0] $chan {*}[lrange $line 1 end]
    } elseif {[eof $chan]} {
        close $chan
    }
}

# Sends everything back, and closes when the caller has finished.
proc peer::Serve_echo {chan} {
    fileevent $chan readable [list peer::EchoSome $chan]
}

proc peer::EchoSome {chan} {
    if {[catch {read $chan 65536} bytes]} {
        catch {close $chan}
        return
    }
    puts -nonewline $chan $bytes
    if {[eof $chan]} {
        close $chan
    } else {
        flush $chan
    }
}

# Answers each line with its length and itself.
proc peer::Serve_lines {chan} {
    fconfigure $chan -buffering line
    fileevent $chan readable [list peer::AnswerLine $chan]
}

proc peer::AnswerLine {chan} {
    if {[catch {gets $chan line} length]} {
        close $chan
    } elseif {$length >= 0} {
        puts $chan "$length $line"
    } elseif {[eof $chan]} {
        close $chan
    }
}

# Collects everything up to the caller's half-close, then reports what it
# received.
proc peer::Serve_sink {chan count} {
    variable sunk
    set sunk($chan) {}
    fileevent $chan readable [list peer::SinkSome $chan $count]
}

proc peer::SinkSome {chan count} {
    variable sunk
    if {[catch {append sunk($chan) [read $chan 262144]}]} {
        close $chan
        unset sunk($chan)
    } elseif {[eof $chan]} {
        puts $chan [verdict $sunk($chan) $count]
        close $chan
        unset sunk($chan)
    }
}

# Queues COUNT bytes and closes at once. The close must deliver them.
proc peer::Serve_source {chan count} {
    # The caller may have left meanwhile.
    catch {puts -nonewline $chan [data $count]}
    catch {close $chan}
}

# Lets the caller fill the connection, then closes with unread data, so that
# the system resets.
proc peer::Serve_reset {chan} {
    fconfigure $chan -buffersize 16
    puts $chan go
    flush $chan
    fileevent $chan readable [list peer::ResetNow $chan]
}

proc peer::ResetNow {chan} {
    read $chan 1
    close $chan
}

# --- the calling side ------------------------------------------------------

proc peer::Dial {command port request} {
    set chan [$command 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    puts $chan $request
    flush $chan
    return $chan
}

# Reads to the end, and stores the bytes or the error in done(TOKEN).
proc peer::Collect {chan token} {
    variable got
    variable done
    if {[catch {append got($token) [read $chan 262144]} message options]} {
        set code [dict get $options -errorcode]
        set done($token) [lrange $code 0 1]
    } elseif {[eof $chan]} {
        set done($token) eof
    }
}

proc peer::Finish {chan token count} {
    variable got
    set got($token) {}
    fileevent $chan readable [list peer::Collect $chan $token]
    set how [await $token]
    close $chan
    set bytes $got($token)
    unset got($token)
    if {$how ne "eof"} {
        return $how
    }
    return [verdict $bytes $count]
}

proc peer::Call_echo {command port count} {
    set chan [Dial $command $port echo]
    puts -nonewline $chan [data $count]
    close $chan write
    Finish $chan echo$chan $count
}

proc peer::Call_source {command port count} {
    set chan [Dial $command $port "source $count"]
    Finish $chan source$chan $count
}

proc peer::Call_sink {command port count} {
    set chan [Dial $command $port "sink $count"]
    puts -nonewline $chan [data $count]
    close $chan write
    set answer [ReadLine $chan]
    close $chan
    return $answer
}

# Sends COUNT questions, each after the last answer.
proc peer::Call_lines {command port count} {
    set chan [Dial $command $port lines]
    set wrong 0
    for {set i 0} {$i < $count} {incr i} {
        set line [string repeat "$i " [expr {1 + $i % 50}]]
        puts $chan $line
        flush $chan
        if {[ReadLine $chan] ne "[string length $line] $line"} {
            incr wrong
        }
    }
    close $chan
    return "$wrong wrong"
}

# The same with a blocking channel, without the event loop.
proc peer::Call_blocking {command port count} {
    set chan [Dial $command $port lines]
    fconfigure $chan -blocking 1
    set wrong 0
    for {set i 0} {$i < $count} {incr i} {
        puts $chan "line $i"
        flush $chan
        if {[gets $chan] ne "[string length "line $i"] line $i"} {
            incr wrong
        }
    }
    close $chan
    return "$wrong wrong"
}

# A server that resets. Returns how the caller sees it.
proc peer::Call_reset {command port count} {
    variable got
    set chan [Dial $command $port reset]
    set answer [ReadLine $chan]
    catch {puts -nonewline $chan [data $count]}
    catch {flush $chan}
    set got($chan) {}
    fileevent $chan readable [list peer::Collect $chan $chan]
    set how [await $chan]
    unset got($chan)
    fileevent $chan readable {}
    catch {close $chan}
    return [list $answer $how]
}

proc peer::ReadLine {chan} {
    fileevent $chan readable [list peer::LineReady $chan]
    set line [await line$chan]
    fileevent $chan readable {}
    return $line
}

proc peer::LineReady {chan} {
    variable done
    if {[catch {gets $chan line} length]} {
        set done(line$chan) "error: $length"
    } elseif {$length >= 0} {
        set done(line$chan) $line
    } elseif {[eof $chan]} {
        set done(line$chan) "end of file"
    }
}

# --- a process of its own --------------------------------------------------

proc peer::Command {} {
    if {[info exists ::env(IOCPSOCK_TEST_SOCKET)]
            && $::env(IOCPSOCK_TEST_SOCKET) eq "::socket"} {
        return ::socket
    }
    if {$::tcl_platform(platform) eq "windows"} {
        package require iocpsock
        return ::iocpsock::socket
    }
    return ::socket
}

# The server ends with its standard input.
proc peer::StdinReady {} {
    gets stdin
    if {[eof stdin]} {
        exit 0
    }
}

proc peer::main {mode} {
    after 90000 {exit 3}
    fconfigure stdout -buffering line
    set command [Command]
    if {$mode eq "serve"} {
        set listener [serve $command]
        puts [lindex [fconfigure $listener -sockname] 2]
        fconfigure stdin -blocking 0
        fileevent stdin readable peer::StdinReady
        vwait forever
    }
    while {[gets stdin request] >= 0} {
        set verb [lindex $request 0]
        set arguments [lrange $request 1 end]
        if {[catch {Call_$verb $command {*}$arguments} answer]} {
            set answer "error: $answer"
        }
        puts $answer
    }
}

peer::MakeBlock
# A thread has no argv0.
if {[info exists ::argv0]
        && [file tail [info script]] eq [file tail $::argv0]} {
    peer::main [lindex $argv 0]
    exit 0
}
