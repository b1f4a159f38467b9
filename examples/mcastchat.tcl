# mcastchat.tcl --
#
#	A chat without a server: each line of standard input goes to a multicast
#	group, and what the others say is printed.
#
#	    tclsh mcastchat.tcl -name Ada
#
#	-group ADDRESS		239.255.70.13
#	-port NUMBER		7013
#	-interface ADDRESS	empty: the system chooses; 127.0.0.1 stays on
#				this machine
#	-name NAME		anonymous
#
#	The program ends with its standard input.

source [file join [file dirname [info script]] program.tcl]

# Others can send anything: one line of printable characters is shown.

proc heard {chan bytes facts} {
    if {[catch {encoding convertfrom utf-8 $bytes} text]} {
        return
    }
    regsub -all {[[:cntrl:]]+} $text { } text
    puts "[dict get $facts address]: $text"
    flush stdout
}

proc typed {chan} {
    global options done
    if {[gets stdin line] >= 0} {
        say $chan $line
    } elseif {[eof stdin]} {
        set done 1
    }
}

proc say {chan line} {
    global options
    iocpsock::sendto $chan [encoding convertto utf-8 \
        "<[dict get $options -name]> $line"] \
        [dict get $options -group] [dict get $options -port]
}

set options [program::options mcastchat {-group 239.255.70.13 -port 7013
    -interface {} -name anonymous}]
dict set options -address ""
dict set program::options -address ""
fconfigure stdout -encoding utf-8
set chan [program::listenUdp -family inet -reuseaddr 1 -command heard]
if {[catch {
    fconfigure $chan -mcastadd [list [dict get $options -group] \
        {*}[dict get $options -interface]]
    fconfigure $chan -mcastif [dict get $options -interface]
} message]} {
    program::fail $message 1
}
fconfigure stdin -blocking 0
fileevent stdin readable [list typed $chan]
vwait done
close $chan
