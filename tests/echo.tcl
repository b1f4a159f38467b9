# echo.tcl --
#
#	A line that goes to a server of this process and comes back.

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
#	What came back over this socket command, or that nothing has.

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
