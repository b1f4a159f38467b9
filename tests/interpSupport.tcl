# interpSupport.tcl --
#
#	Sourced by the suites of the package in interpreters (interp*.test).

# Makes an interpreter that finds the package, and runs a script in it.

proc fresh {name {script {}}} {
    interp create $name
    interp eval $name [list set ::auto_path $::auto_path]
    interp eval $name $script
}

# Procedures for such an interpreter. isOwn tells whether a command makes
# channels of this driver: the core's lack the option. exchange sends a line
# through a connection whose ends the command makes.

set helpers {
    proc isOwn {command} {
	set chan [{*}$command -server list -myaddr 127.0.0.1 0]
	set failed [catch {fconfigure $chan -recvmode}]
	close $chan
	return [expr {!$failed}]
    }
    proc accepted {chan args} {
	set ::server $chan
    }
    proc exchange {command} {
	set listener [{*}$command -server ::accepted -myaddr 127.0.0.1 0]
	set port [lindex [fconfigure $listener -sockname] 2]
	set client [{*}$command 127.0.0.1 $port]
	vwait ::server
	puts $client "through $command"
	close $client
	set line [gets $::server]
	close $::server
	close $listener
	return $line
    }
}
