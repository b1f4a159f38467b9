# program.tcl --
#
#	The code that the small example servers share: options, the listening
#	socket, and the end of the program. Each example then shows only its own
#	subject. They run in Tcl 8.6 and 9.0, on iocpsock if that loads, else on
#	Tcl's own sockets.
#
#	All of them have these options:
#
#	-port NUMBER		0 takes a free port
#	-address ADDRESS	127.0.0.1; empty for all addresses
#	-closetimeout MS	30000: how long a client may take for the
#				remaining output after its connection is closed
#				(iocpsock only); then the connection is reset.
#				0 means without limit
#	-stdin quit		end when standard input ends
#
#	They print "listening on ADDRESS PORT" for each address. The exit
#	status is 0, or 2 for wrong options, or 1 if they cannot listen.

package require Tcl 8.6-

namespace eval program {
    variable name ""
    variable options {}
    variable listener ""
    variable socket [expr {[catch {package require iocpsock}]
        ? "::socket" : "::iocpsock::socket"}]
}

# program::options --
#
#	Parses the command line. Wrong options end the program.
#
# Arguments:
#	programName	The program's name, for messages.
#	defaults	Its options and their defaults. If a default is a
#			number, the option accepts numbers of 0 or more.
#
# Results:
#	The options, a dictionary.

proc program::options {programName defaults} {
    variable name $programName
    variable options
    set defaults [dict merge $defaults \
        {-address 127.0.0.1 -closetimeout 30000 -stdin {}}]
    if {[llength $::argv] % 2} {
        fail "value for \"[lindex $::argv end]\" missing"
    }
    foreach {option value} $::argv {
        if {![dict exists $defaults $option]} {
            fail "unknown option \"$option\": should be one of\
                [join [dict keys $defaults] {, }]"
        }
        if {[string is integer -strict [dict get $defaults $option]]
                && !([string is integer -strict $value] && $value >= 0)} {
            fail "bad value \"$value\" for $option: should be a number, 0 or\
                more"
        }
    }
    set options [dict merge $defaults $::argv]
    if {[dict get $options -stdin] ni {"" quit}} {
        fail "bad value \"[dict get $options -stdin]\" for -stdin: should be\
            quit"
    }
    return $options
}

# program::fail --
#
#	Ends the program with a message.

proc program::fail {message {status 2}} {
    variable name
    puts stderr "$name: $message"
    exit $status
}

# program::listen --
#
#	Opens the listening socket. Accepted connections inherit the options in
#	args, which may be options that only iocpsock has.

proc program::listen {script args} {
    variable options
    variable socket
    variable listener
    set command [list $socket -server $script]
    if {[dict get $options -address] ne ""} {
        lappend command -myaddr [dict get $options -address]
    }
    lappend command [dict get $options -port]
    if {[catch {
        set listener [{*}$command]
        fconfigure $listener {*}$args
    } message]} {
        fail $message 1
    }
    bound $listener
    foreach {address - port} [fconfigure $listener -sockname] {
        puts "listening on $address $port"
    }
    flush stdout
    return $listener
}

# program::listenUdp --
#
#	Opens a datagram channel, which Tcl's own sockets cannot do. Options in
#	args are those of iocpsock::udp. Prints its address as for a listener.

proc program::listenUdp {args} {
    variable options
    variable socket
    if {$socket ne "::iocpsock::socket"} {
        fail "it needs iocpsock" 1
    }
    if {[dict get $options -address] ne ""} {
        lappend args -myaddr [dict get $options -address]
    }
    if {[catch {
        iocpsock::udp -myport [dict get $options -port] {*}$args
    } chan]} {
        fail $chan 1
    }
    foreach {address port} [fconfigure $chan -sockname] {
        puts "listening on $address $port"
    }
    flush stdout
    return $chan
}

# program::bound --
#
#	Limits how long a close may last. Call it for the listener, and for
#	connections that were not accepted. Tcl's own sockets have no such
#	option.

proc program::bound {chan} {
    variable options
    catch {fconfigure $chan -closetimeout [dict get $options -closetimeout]}
}

# program::connections --
#
#	Returns the number of connections, including closed ones that still
#	have output to send. Of Tcl's own sockets only the open ones count,
#	because no script can see the others.

proc program::connections {} {
    variable socket
    if {$socket eq "::iocpsock::socket"} {
        return [dict get [iocpsock::stats] connections]
    }
    # All but the listener.
    return [expr {[llength [chan names sock*]] - 1}]
}

# program::drop --
#
#	Ends a connection at once. On iocpsock this discards unsent output,
#	which a close would keep in memory.

proc program::drop {chan} {
    if {[catch {::iocpsock::abort $chan}]} {
        catch {close $chan}
    }
}

# program::wait --
#
#	Serves until the program is to end. All output is still sent then.

proc program::wait {} {
    variable options
    variable ended 0
    if {[dict get $options -stdin] eq "quit"} {
        fconfigure stdin -blocking 0
        fileevent stdin readable {
            read stdin
            if {[eof stdin]} {
                set program::ended 1
            }
        }
    }
    vwait program::ended
}
