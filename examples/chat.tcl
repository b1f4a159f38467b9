# chat.tcl --
#
#	A chat server for telnet, nc and similar programs. A client's first line
#	is its name; every further line goes to all clients.
#
#	    tclsh chat.tcl -port 7008
#
#	-maxline CHARACTERS	500: a longer line ends the connection
#	-maxclients NUMBER	200: further clients get a message and are
#				disconnected; if there are as many again, they
#				are disconnected without one
#
#	program.tcl describes the other options. The line "/who" lists the names
#	of all clients, "/quit" ends the connection. Control characters are
#	removed, so that no client can send commands to another's terminal. A
#	client that does not read is disconnected.

source [file join [file dirname [info script]] program.tcl]

# How many bytes may wait for a client.
set backlog 65536

# A dictionary from channels to names. The name is empty until the client has
# sent it.
set names {}

proc accept {chan address port} {
    global names options
    fconfigure $chan -blocking 0 -buffering line -encoding utf-8 \
        -translation {auto crlf}
    # In Tcl 9, bytes that are not UTF-8 would otherwise be an error.
    catch {fconfigure $chan -profile replace}
    set limit [dict get $options -maxclients]
    set count [program::connections]
    if {$count > 2 * $limit} {
        program::drop $chan
        return
    }
    if {$count > $limit} {
        catch {puts $chan "* there is no room, come again"}
        catch {close $chan}
        return
    }
    dict set names $chan ""
    fileevent $chan readable [list receive $chan]
    say $chan "* your name?"
}

proc receive {chan} {
    global options
    set limit [dict get $options -maxline]
    if {[catch {gets $chan line} length]} {
        leave $chan
    } elseif {$length > $limit
            || $length < 0 && [chan pending input $chan] > 4 * $limit} {
        say $chan "* a line may have $limit characters"
        leave $chan
    } elseif {$length >= 0} {
        handle $chan [string trim [regsub -all {[[:cntrl:]]+} $line " "]]
    } elseif {[eof $chan]} {
        leave $chan
    }
}

proc handle {chan line} {
    global names
    set name [dict get $names $chan]
    if {$line eq "/quit"} {
        leave $chan
    } elseif {$name eq ""} {
        enter $chan $line
    } elseif {$line eq "/who"} {
        say $chan "* here: [join [lsort [known]] {, }]"
    } elseif {$line ne ""} {
        tell "<$name> $line"
    }
}

proc enter {chan name} {
    global names
    if {![regexp {^[[:alnum:]_-]{1,20}$} $name]} {
        say $chan "* a name has 1 to 20 letters and digits; your name?"
    } elseif {$name in [known]} {
        say $chan "* $name is here already; your name?"
    } else {
        dict set names $chan $name
        tell "* $name comes"
    }
}

# Removes a client; this may happen while a line is sent to all of them. A close
# still sends the client's last lines. For a client that does not read, "how"
# is program::drop.

proc leave {chan {how close}} {
    global names
    if {![dict exists $names $chan]} {
        return
    }
    set name [dict get $names $chan]
    dict unset names $chan
    catch {$how $chan}
    if {$name ne ""} {
        tell "* $name goes"
    }
}

proc known {} {
    global names
    return [lsearch -all -inline -not -exact [dict values $names] ""]
}

proc tell {line} {
    global names
    dict for {chan name} $names {
        if {$name ne ""} {
            say $chan $line
        }
    }
}

proc say {chan line} {
    global names backlog
    if {![dict exists $names $chan]} {
        return
    }
    if {[catch {puts $chan $line}]} {
        leave $chan
    } elseif {[chan pending output $chan] > $backlog} {
        leave $chan program::drop
    }
}

set options [program::options chat {-port 7008 -maxline 500 -maxclients 200}]
program::listen accept
program::wait
