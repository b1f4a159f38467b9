# echo.tcl --
#
#	An echo server: it sends back everything that it receives.
#
#	    tclsh echo.tcl -port 7007
#
#	-maxclients NUMBER	200: further clients are disconnected
#
#	program.tcl describes the other options. The server reads from a client
#	only as fast as that client reads its echo, so no client can fill the
#	memory.

source [file join [file dirname [info script]] program.tcl]

proc accept {chan address port} {
    global options
    if {[program::connections] > [dict get $options -maxclients]} {
        program::drop $chan
        return
    }
    fconfigure $chan -blocking 0 -translation binary -buffering none \
        -buffersize 65536
    fcopy $chan $chan -command [list finish $chan]
}

# Called at the client's end of file, or after an error. The close sends the
# remaining output.

proc finish {chan bytes {message ""}} {
    catch {close $chan}
}

set options [program::options echo {-port 7007 -maxclients 200}]
program::listen accept
program::wait
