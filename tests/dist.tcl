# dist.tcl --
#
#	Loads the package from a folder or a zip file, or the one that the
#	shell contains, and echoes a line and a datagram:
#
#	    tclsh dist.tcl FOLDER|ZIP|static VERSION
#
#	Prints the file that was loaded, whether the package is the static
#	library, the line and the datagram. tools/dist-check runs it.

lassign $argv place version
if {$place eq "static"} {
    load {} Iocpsock
    set dir ""
} elseif {[string match //iocpsock/* $place]} {
    # Wine cannot list the files of a shared folder for Tcl.
    set dir $place/iocpsock$version
    source $dir/pkgIndex.tcl
    set dir $place
} elseif {[file isfile $place]} {
    set dir //zipfs:/dist
    zipfs mount [file normalize $place] $dir
} else {
    set dir [file normalize $place]
}
# No other package can be found.
set auto_path [list [info library] $dir]
package require -exact iocpsock $version
set length [string length $dir/]
foreach loaded [info loaded] {
    set file [lindex $loaded 0]
    if {$dir ne "" && [string equal -nocase -length $length $dir/ $file]} {
	puts "loaded [string range $file $length end]"
    }
}
puts "static [iocpsock::build-info static]"

source [file join [file dirname [info script]] echo.tcl]
puts [echoed iocpsock::socket]

# The package iocpsock::udp is a script in the folder of the package.
if {$place eq "static"} {
    set chan [iocpsock::udp -family inet]
} else {
    package require -exact iocpsock::udp $version
    set chan [udp_open]
}
iocpsock::sendto $chan hello 127.0.0.1 [fconfigure $chan -myport]
puts "datagram [lindex [iocpsock::recv $chan -timeout 20000] 0]"
