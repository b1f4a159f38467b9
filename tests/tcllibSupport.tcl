# tcllibSupport.tcl --
#
#	Sourced by the suites that use tcllib: makes its packages known, defines
#	a constraint for each module, and runs its servers in a process of their
#	own. It uses Debian's tcllib. The caller's lib::needs is a dict from a
#	module to the packages that its tests need, on both sides.

namespace eval lib {
    variable why {}
    variable folders [glob -nocomplain Z:/usr/share/tcltk/tcllib*]
    # Another tcllib, for the Tcl that Debian's does not support.
    if {[info exists ::env(IOCPSOCK_TEST_TCLLIB)]} {
	set folders [list $::env(IOCPSOCK_TEST_TCLLIB)]
    }
}

# Reads tcllib's indexes once for this process and its children. Each search for
# a missing package would read them again, and tcllib makes many. Returns a
# script that makes the packages known to an interpreter.

proc lib::index {} {
    variable folders
    set before [package names]
    set saved $::auto_path
    lappend ::auto_path {*}$folders
    catch {package require no-such-package}
    set ::auto_path $saved
    set known {}
    foreach name [package names] {
	foreach version [package versions $name] {
	    if {$name ni $before} {
		append known [list package ifneeded $name $version \
		    [package ifneeded $name $version]]\n
	    }
	}
    }
    return $known
}

# Defines the constraint of each module, its name with "Loads", and stores why a
# module does not load.

proc lib::tryAll {} {
    variable needs
    variable why
    dict for {module packages} $needs {
	set loads 1
	foreach package $packages {
	    if {[catch {package require $package} message]} {
		set loads 0
		dict set why $package $message
		puts "$module is skipped: $message"
	    }
	}
	::tcltest::testConstraint ${module}Loads $loads
    }
}

# Runs a script in a child, which it returns, until the child's standard input
# ends. The script prints the port. comm also reports in the background the
# errors that it passes to its caller.

proc lib::serve {script args} {
    variable known
    return [support::child "
	$known
	support::install
	proc bgerror {args} {}
	fileevent stdin readable {set over \[gets stdin\]}
	$script
	vwait over
    " {*}$args]
}

# A script for the children: prints the port of the only listener.

set tellPort {
    set listener [lindex [chan names sock*] 0]
    support::mustBeOurs $listener
    puts [support::port $listener]
}

# Ends the child. Returns its status and output.

proc lib::end {child} {
    support::childPut $child over
    return [support::childEnd $child]
}

set lib::known [lib::index]
lib::tryAll
