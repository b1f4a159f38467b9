# httpd.tcl --
#
#	A web server for a folder of files: HTTP/1.1 in plain Tcl, for Tcl 8.6
#	and 9.0 on any platform. It works over any command that has the syntax
#	of Tcl's own "socket".
#
# As a program:
#
#	tclsh httpd.tcl -root DIR ?-option value ...?
#
# It prints a line "listening on ADDRESS PORT" for each address it listens on
# and serves until its process is ended.
#
#	-root DIR		the folder to serve; required
#	-port NUMBER		8080; 0 takes a free port
#	-address ADDRESS	127.0.0.1; empty for all addresses
#	-socket COMMAND		the command that opens sockets:
#				iocpsock::socket if that package loads, else
#				Tcl's own ::socket
#	-index NAME		index.html: the file to send for a folder
#	-links NUMBER		0: answer 404 for symbolic links that lead out
#				of DIR; 1: follow them
#	-hosts LIST		names that a request may give as its host, in
#				addition to localhost and every address; *
#				allows any name. An empty list means * unless
#				ADDRESS is a loopback address
#	-maxrequest BYTES	16384: the longest request head, and the longest
#				body of a GET
#	-maxconnections NUMBER	500: further clients get status 503
#	-timeout SECONDS	30: for a request to arrive once it has begun,
#				and for a client to take a piece of an answer
#	-first SECONDS		10: for a new client's first request to arrive
#	-idle SECONDS		60: for a client to begin its next request
#	-cache BYTES		16777216: memory for small files; 0 for none
#	-log FILE		an access log in the common format; - is stdout
#	-stdin quit		end when standard input ends
#
# As a library:
#
#	source httpd.tcl
#	set server [httpd::start -root DIR ?-option value ...?]
#	set port [$server port]
#	...
#	$server destroy
#
# Any number of servers can run in one process. They need the event loop.
#
# The server supports GET and HEAD, persistent connections and pipelining, byte
# ranges, conditional requests, index files, and the redirection from a folder
# to its address with a slash. It does not support uploads, programs, listings
# of folders, or names that begin with a dot (except .well-known). On Windows
# it also answers 404 for every name that means a device, a stream or a drive,
# or that is another spelling of a file's name.
#
# A server on a loopback address refuses unknown host names. Otherwise any
# site's DNS could point one of its names at this server and have a visitor's
# browser read from it (DNS rebinding). Symbolic links are checked when a file
# is loaded, so anyone who can change the folder while it is served must be
# trusted. Wine hides links from Windows programs: there they are followed.
#
# The parts of the server are in files beside this one; copy all of them:
#
#	httpdRequest.tcl	parses requests; needs no connection
#	httpdServer.tcl		the class Server: the listening socket, and
#				the files with their cache
#	httpdConnection.tcl	the class Connection: one client's conversation
#	httpdAnswer.tcl		its methods that make answers
#
# Each conversation runs in a coroutine of its own, so that its code reads from
# top to bottom; all waiting is in one method, Wait. A request that cannot be
# answered is refused by throwing {HTTPD REFUSE status}, which ends the
# conversation. One timer for all servers, Tick, updates the clock and wakes
# connections that are out of time. A client that sends many requests at once
# gets a few answers, then other clients have their turn. A client counts as a
# connection until everything is sent to it. If it does not take the data in
# time, it is reset, where the driver can do that.

package require Tcl 8.6-
package provide httpd 1.0

namespace eval httpd {
    # The options and their defaults.
    variable defaults {
        -root "" -port 8080 -address 127.0.0.1 -socket "" -index index.html
        -links 0 -hosts "" -maxrequest 16384 -maxconnections 500
        -timeout 30 -first 10 -idle 60 -cache 16777216 -log ""
    }

    # The clock of all servers: the current second, and its text for header
    # fields and for logs.
    variable now 0
    variable dateField ""
    variable logDate ""
    variable timer ""

    variable servers {}
}

foreach part {Request Server Connection Answer} {
    source [file join [file dirname [info script]] httpd$part.tcl]
}
unset part

#
# The clock.
#

# httpd::Tick --
#
#	Updates the clock once per second while there are servers, and lets
#	each server wake its connections that are out of time.

proc httpd::Tick {} {
    variable servers
    variable timer
    after cancel $timer
    if {[llength $servers] == 0} {
        return
    }
    set timer [after 1000 [namespace code Tick]]
    SetClock
    foreach server $servers {
        $server sweep
    }
}

proc httpd::SetClock {} {
    variable now [clock seconds]
    variable dateField "Date: [FormatDate $now]\r\n"
    variable logDate [clock format $now -gmt 1 \
        -format "\[%d/%b/%Y:%H:%M:%S +0000\]"]
}

#
# Starting a server.
#

# httpd::start --
#
#	Starts a server. The options are described at the top of this file.
#
# Results:
#	The server, an object. "$server port" returns its port, "$server
#	addresses" a list of addresses and ports, and "$server connections" the
#	number of its clients. "$server destroy" ends it.

proc httpd::start {args} {
    variable defaults
    if {[llength $args] % 2} {
        return -code error "value for \"[lindex $args end]\" missing"
    }
    foreach {option value} $args {
        if {![dict exists $defaults $option]} {
            return -code error "unknown option \"$option\": should be one of\
                [join [dict keys $defaults] {, }]"
        }
        if {[string is integer -strict [dict get $defaults $option]]
                && (![string is integer -strict $value] || $value < 0)} {
            return -code error "bad value \"$value\" for $option:\
                should be a number, 0 or more"
        }
    }
    Server new [dict merge $defaults $args]
}

# httpd::SocketCommand --
#
#	Returns the command that opens sockets: the given one, whose package is
#	loaded if necessary; or, if none is given, iocpsock's if that loads and
#	else Tcl's own.

proc httpd::SocketCommand {command} {
    if {$command eq ""} {
        if {[catch {package require iocpsock}]} {
            return ::socket
        }
        return ::iocpsock::socket
    }
    set name [lindex $command 0]
    if {[namespace eval :: [list namespace which -command $name]] eq ""} {
        package require [string trim [namespace qualifiers $name] :]
    }
    return $command
}

#
# The program.
#

# httpd::Main --
#
#	Runs the server as a program, with the options of the command line.

proc httpd::Main {arguments} {
    variable defaults
    try {
        set options {}
        foreach {option value} $arguments {
            if {$option eq "-stdin"} {
                if {$value ne "quit"} {
                    error "bad value \"$value\" for -stdin: should be quit"
                }
                EndWithInput
            } else {
                lappend options $option $value
            }
        }
        set server [start {*}$options]
    } on error {message} {
        puts stderr "httpd: $message"
        puts stderr "usage: httpd.tcl -root DIR ?-option value ...?;\
            options: [join [dict keys $defaults]] -stdin"
        exit 2
    }
    foreach address [$server addresses] {
        puts "listening on [join $address]"
    }
    flush stdout
    vwait forever
}

# httpd::EndWithInput --
#
#	Makes the process end when standard input ends.

proc httpd::EndWithInput {} {
    fconfigure stdin -blocking 0
    fileevent stdin readable {
        read stdin
        if {[eof stdin]} {
            exit 0
        }
    }
}

if {[info exists argv0]
        && [file normalize $argv0] eq [file normalize [info script]]} {
    httpd::Main $argv
}
