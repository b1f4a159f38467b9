
# tools/conformance fills in DRIVER and DLL and appends this to the init.tcl of
# a copy of Tcl's library, which every interpreter runs first. With iocpsock it
# deletes the core's command, so that nothing can use it. If this fails, the
# process ends, because Tcl would look for another library. Each interpreter
# leaves a mark whose name begins with the process. It is an empty folder: the
# channel of a file could become a standard channel.

if {![interp issafe]} {
    if {[catch {
	if {"@DRIVER@" eq "iocpsock"} {
	    load {@DLL@} Iocpsock
	    iocpsock::install
	    rename iocpsock::coreSocket {}
	}
	apply {{} {
	    set mark $::env(IOCPSOCK_MARKS)/[pid]-[clock clicks]
	    while {[file exists $mark]} {
		append mark x
	    }
	    file mkdir $mark
	}}
    } ::errorInfo]} {
	puts stderr "no @DRIVER@ in this interpreter: $::errorInfo"
	exit 99
    }
    unset -nocomplain ::errorInfo
}
