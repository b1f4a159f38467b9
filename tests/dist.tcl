# dist.tcl --
#
#	Loads the package from a folder or a zip file and has a line echoed:
#
#	    tclsh dist.tcl FOLDER|ZIP VERSION
#
#	Prints the file that was loaded and the line. tools/dist-check runs it.

lassign $argv place version
if {[file isfile $place]} {
    set dir //zipfs:/dist
    zipfs mount [file normalize $place] $dir
} else {
    set dir [file normalize $place]
}
# No other one can be found.
set auto_path [list [info library] $dir]
package require -exact iocpsock $version
foreach loaded [info loaded] {
    set file [lindex $loaded 0]
    if {[string first [string tolower $dir]/ [string tolower $file]] == 0} {
	puts "loaded [string range $file [string length $dir]+1 end]"
    }
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

set server [iocpsock::socket -server serve -myaddr 127.0.0.1 0]
set port [lindex [fconfigure $server -sockname] 2]
set client [iocpsock::socket 127.0.0.1 $port]
fconfigure $client -blocking 0 -buffering line
fileevent $client readable {set line [gets $client]}
puts $client hello
after 20000 {set line "nothing came"}
vwait line
puts $line
