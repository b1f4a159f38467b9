# distIndex.tcl --
#
#	Tests pkgIndex.tcl for Tcls and machines that are pretended:
#
#	    tclsh distIndex.tcl FILE VERSION
#
#	tools/dist-check runs it.

lassign $argv index version
set failed 0

# chosen --
#
#	Returns the DLL that the index chooses for this Tcl and machine when it
#	is in this folder, and the script packages that it knows.

proc chosen {tcl platform machine pointerSize dir} {
    set child [interp create]
    interp eval $child {
	set known {}
	rename package Package
	proc package {command args} {
	    switch -- $command {
		provide {return $::tcl}
		ifneeded {dict set ::known {*}$args}
		default {Package $command {*}$args}
	    }
	}
	rename file File
	# Every DLL exists, except for ARM.
	proc file {command args} {
	    if {$command eq "exists"} {
		return [expr {![string match *win32-arm* $args]}]
	    }
	    return [File $command {*}$args]
	}
    }
    interp eval $child [list set tcl $tcl]
    interp eval $child [list set dir $dir]
    interp eval $child [list array set tcl_platform [list platform $platform \
	machine $machine pointerSize $pointerSize]]
    interp eval $child [list source $::index]
    set known [interp eval $child {set known}]
    interp delete $child
    if {$known eq ""} {
	return ""
    }
    set names [lsort [dict keys $known]]
    if {$names ne {Iocpsock iocpsock iocpsock::monitor iocpsock::udp}} {
	return "packages: $names"
    }
    set scripts [dict get $known iocpsock $::version]
    if {[dict get $known Iocpsock $::version] ne $scripts} {
	return "other DLLs: $known"
    }
    foreach name {monitor udp} {
	if {[dict get $known iocpsock::$name $::version]
		ne [list source $dir/$name.tcl]} {
	    return "$name: $known"
	}
    }
    lassign $scripts load file prefix
    if {[list $load $file $prefix] ne $scripts || $load ne "load"
	    || $prefix ne "Iocpsock"} {
	return "script: $scripts"
    }
    return $file
}

foreach {tcl platform machine pointerSize wanted} {
    8.6.0   windows intel          4 win32-ix86/iocpsock.dll
    8.6.13  windows amd64          8 win32-x86_64/iocpsock.dll
    8.6.18  windows amd64          4 win32-ix86/iocpsock.dll
    8.6.18  windows ia32_on_win64  4 win32-ix86/iocpsock.dll
    9.0.0   windows intel          4 win32-ix86/tcl9iocpsock.dll
    9.0.4   windows amd64          8 win32-x86_64/tcl9iocpsock.dll
    9.1.0   windows amd64          8 win32-x86_64/tcl9iocpsock.dll
    9.1b1   windows amd64          8 win32-x86_64/tcl9iocpsock.dll
    8.5.19  windows intel          4 win32-ix86/iocpsock.dll
    9.0.4   windows arm64          8 {}
    8.6.13  unix    x86_64         8 {}
    9.0.4   unix    x86_64         8 {}
} {
    foreach dir {
	C:/Tcl/lib/iocpsock {D:/a folder/[with] $signs} //host/share/iocpsock
	//zipfs:/app/iocpsock /unïcödé/iocpsock
    } {
	set chosen [chosen $tcl $platform $machine $pointerSize $dir]
	set expected [expr {$wanted eq "" ? "" : "$dir/$wanted"}]
	if {$chosen ne $expected} {
	    puts "$tcl $platform $machine $pointerSize: \"$chosen\",\
		not \"$expected\""
	    set failed 1
	}
    }
}
exit $failed
