
# Appended by tools/conformance to the init.tcl of a copy of Tcl's library: the
# first thing that every interpreter runs. DRIVER and DLL are filled in there.
# With iocpsock the core's command is deleted, so that nothing can use it, and
# where that fails the process ends: Tcl would look for another library. The
# mark that is left behind is an empty folder, since a channel could become a
# standard one; its name begins with the process.

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
