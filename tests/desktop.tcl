# desktop.tcl --
#
#	An echo over the socket command that the argument names: prints the
#	command and the line that came back, or the error. desktop.sh runs it.

set socket [lindex $argv 0]
if {[string match *iocpsock* $socket]} {
    package require iocpsock
}

proc serve {chan args} {
    fconfigure $chan -blocking 0 -buffering line
    fileevent $chan readable [list answer $chan]
}

proc answer {chan} {
    if {[gets $chan line] >= 0} {
	puts $chan "echo $line"
    }
}

if {[catch {
    set server [$socket -server serve -myaddr 127.0.0.1 0]
    set client [$socket 127.0.0.1 [lindex [fconfigure $server -sockname] 2]]
    fconfigure $client -blocking 0 -buffering line
    fileevent $client readable {set line [gets $client]}
    puts $client hello
    after 20000 {set line "nothing came"}
    vwait line
} message]} {
    set line $message
}
puts "$socket: $line"
