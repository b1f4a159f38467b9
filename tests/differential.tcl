# differential.tcl --
#
#	Runs the same random sequences of socket operations with the core's
#	driver and with iocpsock, in one tclsh, and compares what a script can
#	see:
#
#	    tclsh differential.tcl ?option value ...?
#
#	-seed N		the seed of the first sequence; each next one adds one
#	-count N	the number of sequences (default 150)
#	-length N	about how many operations each has (default 12)
#	-replay LIST	runs this sequence from a report; @FILE reads it from a
#			file
#	-seconds N	begins no more sequences after that time
#	-verbose 1	prints each operation, and a replay's transcripts
#	-inject NAME	alters iocpsock's side, to show that it is found:
#			read (results lack a byte), hang
#	-all 1		each known difference must occur
#
#	A difference is reported if it repeats: each driver runs the sequence
#	several more times, and iocpsock shows something that the core's driver
#	never shows. Then operations are left out as long as a difference
#	remains. differential.txt lists the known differences with their
#	reasons.
#
#	Exits with 0 if no unknown difference was found.

namespace eval differential {
    variable dir [file dirname [file normalize [info script]]]
    variable commands {core ::socket own ::iocpsock::socket}
    variable options {
	-seed {} -count 150 -length 12 -replay {} -seconds 1000000
	-verbose 0 -inject {} -all 0 -guard 30000 -known differential.txt
    }
    variable setting
    variable known {}
    variable hits
    variable reruns 6
    variable unsteady 0
    variable found 0
    variable shortest {}
}

proc differential::Say {text} {
    puts stdout [Printable $text]
    flush stdout
}

# A report may have characters that the console's encoding lacks, which in Tcl
# 9 is an error. They are written as \uXXXX.

proc differential::Printable {text} {
    set printable {}
    foreach char [split $text {}] {
	if {![string is ascii $char]} {
	    set char [format {\u%04x} [scan $char %c]]
	}
	append printable $char
    }
    return $printable
}

# ----------------------------------------------------------------------
# Injected differences, and the current operation

proc differential::Altered {op outcome} {
    variable S
    variable setting
    if {$S(driver) ne "own"} {
	return $outcome
    }
    switch $setting(-inject) {
	read {
	    if {[lindex $op 0] eq "read" && [string length $outcome] > 12
		    && [lindex $outcome 0] ne "error"} {
		return [string replace $outcome 2 2]
	    }
	}
	hang {
	    if {[lindex $op 0] eq "gets"} {
		vwait ::differential::never
	    }
	}
    }
    return $outcome
}

proc differential::Trace {driver op} {
    variable setting
    if {$setting(-verbose)} {
	Say "    $driver: $op"
    }
}

# Ends the process with the seed if a sequence lasts too long, even inside a
# call that never returns.

proc differential::Guarded {driver sequence what} {
    variable setting
    if {$setting(-guard)} {
	testwatchdog $setting(-guard) \
	    "DIFFERENCE: $driver hangs: $what, Tcl [info patchlevel]\n"
    }
    return [Run $driver $sequence]
}

# ----------------------------------------------------------------------
# Comparing

# Known differences: {name versions operation core own reason}. The middle ones
# are patterns of lines of a transcript.

proc differential::ReadKnown {} {
    variable dir
    variable known {}
    variable setting
    variable hits
    array unset hits
    set chan [open [file join $dir $setting(-known)]]
    fconfigure $chan -encoding utf-8
    set text [read $chan]
    close $chan
    foreach entry [regsub -all -line {^#.*$} $text {}] {
	if {[llength $entry] != 6} {
	    error "an entry of $setting(-known) has not 6 parts: $entry"
	}
	set version [lindex $entry 1]
	if {$version eq "all"
		|| [package vsatisfies [info patchlevel] $version]} {
	    lappend known $entry
	    set hits([lindex $entry 0]) 0
	}
    }
}

proc differential::IsKnown {op core own} {
    variable known
    variable hits
    foreach entry $known {
	lassign $entry name - opPattern corePattern ownPattern
	if {[string match $opPattern $op] && [string match $corePattern $core]
		&& [string match $ownPattern $own]} {
	    incr hits($name)
	    return 1
	}
    }
    return 0
}

# Returns the operations with unknown differences: number, operation, both
# outcomes.

proc differential::Differences {core own} {
    set all {}
    set number -1
    foreach {op outcome} $core {ownOp ownOutcome} $own {
	incr number
	if {$outcome ne $ownOutcome
		&& ![IsKnown $op $outcome $ownOutcome]} {
	    lappend all [list $number $op $outcome $ownOutcome]
	}
    }
    return $all
}

# Returns whether the drivers reliably differ on a sequence: iocpsock shows
# something that the core's driver does not show in as many runs. The result is
# empty, or the two transcripts.

proc differential::Differ {sequence runs what} {
    set cores {}
    set owns {}
    for {set i 0} {$i < $runs} {incr i} {
	lappend cores [Guarded core $sequence $what]
	lappend owns [Guarded own $sequence $what]
	foreach own $owns {
	    foreach core $cores {
		if {[Differences $core $own] eq ""} {
		    return
		}
	    }
	}
    }
    return [list [lindex $cores end] [lindex $owns end]]
}

# Returns the shortest sequence that differs. Halves, then single operations
# are left out, each time from the end, until none can be.

proc differential::Shrink {sequence what} {
    set end [expr {[clock seconds] + 90}]
    set chunk [expr {max(1, [llength $sequence] / 2)}]
    while {$chunk >= 1} {
	set again 0
	for {set at [expr {[llength $sequence] - $chunk}]} {$at >= 1} \
		{incr at -$chunk} {
	    set shorter [lreplace $sequence $at [expr {$at + $chunk - 1}]]
	    if {[clock seconds] < $end
		    && [Differ $shorter 3 $what] ne ""} {
		set sequence $shorter
		set again 1
	    }
	}
	if {!$again || $chunk > 1} {
	    set chunk [expr {$chunk / 2}]
	}
    }
    return $sequence
}

proc differential::Report {sequence transcripts what} {
    variable shortest
    lappend shortest $sequence
    Say "DIFFERENCE: $what, Tcl [info patchlevel]; the shortest sequence:"
    Say "    -replay {$sequence}"
    lassign $transcripts core own
    foreach {op outcome} $core {- ownOutcome} $own {
	if {$outcome eq $ownOutcome} {
	    Say "      both  $op -> $outcome"
	} else {
	    Say "    > core  $op -> $outcome"
	    Say "    > own   $op -> $ownOutcome"
	}
    }
}

# Runs one sequence. Returns 1 if the drivers agree on it.

proc differential::Try {sequence what} {
    variable unsteady
    variable found
    variable reruns
    set core [Guarded core $sequence $what]
    set own [Guarded own $sequence $what]
    set first [Differences $core $own]
    if {$first eq ""} {
	return 1
    }
    set transcripts [Differ $sequence $reruns $what]
    if {$transcripts eq ""} {
	incr unsteady
	Say "unsteady: $what: [lindex $first 0]"
	return 1
    }
    incr found
    set shortest [Shrink $sequence $what]
    set again [Differ $shortest 3 $what]
    if {$again ne ""} {
	Report $shortest $again $what
    } else {
	Report $sequence $transcripts $what
    }
    return 0
}

# ----------------------------------------------------------------------
# Campaigns

# differential::Setup --
#
#	Reads the options, and sets defaults.

proc differential::Setup {arguments} {
    variable options
    variable setting
    variable unsteady 0
    variable found 0
    variable shortest {}
    array set setting $options
    foreach {name value} $arguments {
	if {![info exists setting($name)]} {
	    error "unknown option $name: see the top of differential.tcl"
	}
	set setting($name) $value
    }
    if {$setting(-seed) eq ""} {
	set setting(-seed) [expr {[clock clicks] & 0xffffff}]
    }
    ReadKnown
}

# differential::Campaign --
#
#	Runs the sequences that Setup has chosen.
#
# Results:
#	How many agreed.

proc differential::Campaign {} {
    variable setting
    set agreed 0
    set end [expr {[clock seconds] + $setting(-seconds)}]
    for {set i 0} {$i < $setting(-count) && [clock seconds] < $end} {incr i} {
	set seed [expr {$setting(-seed) + $i}]
	incr agreed [Try [Generate $seed $setting(-length)] \
	    "-seed $seed -length $setting(-length) -count 1"]
	if {$i % 500 == 499} {
	    Say "[expr {$i + 1}] sequences, $agreed agree"
	}
    }
    return $agreed
}

# Closes what the sequences share.

proc differential::CleanUp {} {
    variable shared
    variable control
    variable setting
    foreach driver [array names shared] {
	catch {close $shared($driver)}
    }
    array unset shared
    foreach id $control {
	testraw close $id
    }
    set control {}
    if {$setting(-guard)} {
	testwatchdog 0 {}
    }
}

# Returns the known differences that did not occur.

proc differential::Unused {} {
    variable hits
    set unused {}
    foreach name [lsort [array names hits]] {
	if {$hits($name) == 0} {
	    lappend unused $name
	}
    }
    return $unused
}

proc differential::Replay {} {
    variable setting
    set sequence $setting(-replay)
    if {[string match @* $sequence]} {
	set chan [open [string range $sequence 1 end]]
	set sequence [read $chan]
	close $chan
    }
    set core [Guarded core $sequence replay]
    set own [Guarded own $sequence replay]
    if {[Differences $core $own] eq "" && !$setting(-verbose)} {
	Say "both drivers do the same"
    } else {
	Report $sequence [list $core $own] replay
    }
    return [Differences $core $own]
}

proc differential::Main {arguments} {
    variable setting
    variable unsteady
    variable found
    variable hits
    Setup $arguments
    if {$setting(-replay) ne ""} {
	return [expr {[Replay] ne ""}]
    }
    Say "seed $setting(-seed), $setting(-count) sequences,\
	Tcl [info patchlevel]"
    set agreed [Campaign]
    CleanUp
    Say "$agreed sequences agree, $found differ, $unsteady were unsteady"
    foreach name [lsort [array names hits]] {
	Say "known: $name occurred $hits($name) times"
    }
    set unused [expr {$setting(-all) ? [Unused] : {}}]
    if {$unused ne ""} {
	Say "FAILED: known differences that do not occur any more: $unused"
    }
    return [expr {$found > 0 || $unused ne ""}]
}

if {[info commands ::support::wait] eq ""} {
    source [file join $differential::dir support.tcl]
}
lappend auto_path \
    [file join [file dirname $differential::dir] build testpackage]
package require iocpsock
package require iocpsocktest
source [file join $differential::dir differentialRun.tcl]
source [file join $differential::dir differentialOps.tcl]
source [file join $differential::dir differentialEvents.tcl]
if {[info exists argv0] && [file tail $argv0] eq "differential.tcl"} {
    exit [differential::Main $argv]
}
