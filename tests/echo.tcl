# echo.tcl --
#
#	Sends a line to a server of this process, which sends it back.

proc serve {chan args} {
    fconfigure $chan -blocking 0 -buffering line
    fileevent $chan readable [list answer $chan]
}

proc answer {chan} {
    if {[gets $chan line] >= 0} {
	puts $chan "echo $line"
    }
}

# echoed --
#
#	Returns the line that came back over this socket command, or says that
#	none came.

proc echoed {socket} {
    set server [$socket -server serve -myaddr 127.0.0.1 0]
    set client [$socket 127.0.0.1 [lindex [fconfigure $server -sockname] 2]]
    fconfigure $client -blocking 0 -buffering line
    fileevent $client readable [list apply {chan {
	set ::line [gets $chan]
    }} $client]
    puts $client hello
    after 20000 {set ::line "nothing came"}
    vwait ::line
    return $::line
}
