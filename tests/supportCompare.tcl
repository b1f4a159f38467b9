# supportCompare.tcl --
#
#	Comparisons of the driver under test with the core's driver, in this
#	tclsh; support.tcl sources this file.

# support::outcome --
#
#	Runs a script in the caller's scope.
#
# Results:
#	{code result errorCode}, the errorCode being empty without an error.

proc support::outcome {script} {
    set code [catch {uplevel 1 $script} result options]
    set errorCode {}
    if {$code == 1} {
	set errorCode [dict get $options -errorcode]
    }
    return [list $code $result $errorCode]
}

# support::differ --
#
#	Runs a script with each driver's command, which the script finds in
#	the variable "socket". What may differ between two calls is made the
#	same: the name of the command and the names of channels. A script that
#	returns a channel need not close it.
#
# Results:
#	"same", or what each driver did.

proc support::differ {script} {
    variable command
    foreach driver [list ::socket $command] {
	set outcome [apply [list socket "support::outcome {$script}"] $driver]
	set map [list \"$driver\  "\"socket " " $driver " " socket "]
	if {[lindex $outcome 0] == 0
		&& [lindex $outcome 1] in [chan names]} {
	    close [lindex $outcome 1]
	    set outcome {0 channel {}}
	}
	lappend outcomes [regsub -all {sock[0-9a-fA-F]{6,}} \
	    [string map $map $outcome] CHANNEL]
    }
    lassign $outcomes core own
    if {$core eq $own} {
	return same
    }
    return [list core: $core own: $own]
}

# The same for a script about the channel that makeScript returns; it finds the
# channel in the variable "chan".

proc support::differChan {makeScript script} {
    return [differ "
	set chan \[$makeScript\]
	try {$script} finally {close \$chan}
    "]
}
