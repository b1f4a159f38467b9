# echo.tcl --
#
#	An echo server: whatever comes is sent back.
#
#	    tclsh echo.tcl -port 7007
#
#	-maxclients NUMBER	200: further ones are dropped
#
#	program.tcl tells the other options. The copy takes no more from a
#	client than that client takes back, so that nobody fills the memory.

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

# At the end of what the client has sent, or at an error. The close sends what
# is still to be sent.

proc finish {chan bytes {message ""}} {
    catch {close $chan}
}

set options [program::options echo {-port 7007 -maxclients 200}]
program::listen accept
program::wait
