# dist.tcl --
#
#	Loads the package from a folder or a zip file, and echoes a line:
#
#	    tclsh dist.tcl FOLDER|ZIP VERSION
#
#	Prints the file that was loaded, and the line. tools/dist-check runs
#	it.

lassign $argv place version
if {[file isfile $place]} {
    set dir //zipfs:/dist
    zipfs mount [file normalize $place] $dir
} else {
    set dir [file normalize $place]
}
# No other package can be found.
set auto_path [list [info library] $dir]
package require -exact iocpsock $version
foreach loaded [info loaded] {
    set file [lindex $loaded 0]
    if {[string first [string tolower $dir]/ [string tolower $file]] == 0} {
	puts "loaded [string range $file [string length $dir]+1 end]"
    }
}

source [file join [file dirname [info script]] echo.tcl]
puts [echoed iocpsock::socket]
