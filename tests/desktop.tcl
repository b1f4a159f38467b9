# desktop.tcl --
#
#	An echo over the socket command that the argument names. Prints the
#	command, and the line that came back or the error. desktop.sh runs it.

set socket [lindex $argv 0]
if {[string match *iocpsock* $socket]} {
    package require iocpsock
}

source [file join [file dirname [info script]] echo.tcl]
catch {echoed $socket} line
puts "$socket: $line"
