# sendpeer.tcl --
#
#	iocpsock::sendfile to a peer outside Wine (sendPeer.pl), which receives
#	when it is told to. sendpeer.sh runs it.

namespace import -force ::tcltest::test

namespace eval ::sp {
    variable name [tcltest::makeFile {} sendpeer.bin]
    variable file [support::pattern 0 1000000 3]
    variable result
    lassign $::env(IOCPSOCK_PEER) controlPort dataPort
    variable control [support::coreSocket 127.0.0.1 $controlPort]
    variable serial -1
}
fconfigure $::sp::control -translation binary
set chan [open $::sp::name wb]
puts -nonewline $chan $::sp::file
close $chan

# Asks the peer. The event loop of this process does not run until the answer;
# with askLater it does.
proc ::sp::ask {args} {
    variable control
    puts $control $args
    flush $control
    return [gets $control]
}

proc ::sp::askLater {args} {
    variable control
    variable answer {}
    puts $control $args
    flush $control
    fconfigure $control -blocking 0
    fileevent $control readable ::sp::answers
}

proc ::sp::answers {} {
    variable control
    variable answer
    append answer [read $control]
}

# Returns how connection i ended, and the bytes that the peer received on it.
proc ::sp::received {i} {
    variable control
    variable answer
    askLater read $i
    support::wait ::sp::answer {[regexp {^(\d+) (\w+)\n} $::sp::answer head \
	length how] && [string length $::sp::answer]
	    == [string length $head] + $length}
    fileevent $control readable {}
    fconfigure $control -blocking 1
    return [list $how [string range $answer [string length $head] end]]
}

proc ::sp::connect {args} {
    variable dataPort
    variable serial
    variable result {}
    incr serial
    set chan [support::sock {*}$args 127.0.0.1 $dataPort]
    fconfigure $chan -translation binary -blocking 0 -sosndbuf 32768
    return $chan
}

proc ::sp::done {name args} {
    variable result
    dict set result $name $args
}

proc ::sp::await {name} {
    variable result
    support::wait ::sp::result "\[dict exists \$::sp::result $name\]"
    return [dict get $result $name]
}

# Returns the names of the parts that a text consists of.
proc ::sp::parts {text args} {
    variable file
    set parts {}
    while {$text ne ""} {
	set found wrong
	foreach {name part} [list file $file {*}$args] {
	    set length [string length $part]
	    if {[string range $text 0 [expr {$length - 1}]] eq $part} {
		set found $name
		set text [string range $text $length end]
		break
	    }
	}
	lappend parts $found
	if {$found eq "wrong"} {
	    break
	}
    }
    return $parts
}

foreach {n async} {1 {} 2 -async} {
    test sendpeer-1.$n "a close delivers bytes and files $async" -body {
	set chan [::sp::connect {*}$async]
	puts -nonewline $chan BEFORE
	iocpsock::sendfile $chan $::sp::name -command {::sp::done one}
	puts -nonewline $chan BETWEEN
	iocpsock::sendfile $chan $::sp::name -command {::sp::done two}
	puts -nonewline $chan AFTER
	close $chan
	support::drain
	set early [dict size $::sp::result]
	lassign [::sp::received $::sp::serial] how text
	list $early $how [::sp::parts $text before BEFORE between BETWEEN \
	    after AFTER] [::sp::await one] [::sp::await two]
    } -result {0 eof {before file between file after} 1000000 1000000}
}

test sendpeer-1.3 {a file arrives at a peer that reads a little at a time} \
-body {
    set chan [::sp::connect]
    set filled [support::fill $chan]
    iocpsock::sendfile $chan $::sp::name -command {::sp::done one}
    puts -nonewline $chan AFTER
    for {set i 0} {$i < 20} {incr i} {
	::sp::ask take $::sp::serial 50000
	support::drain
    }
    close $chan
    lassign [::sp::received $::sp::serial] how text
    list $how [::sp::parts $text before [support::pattern 0 $filled] \
	after AFTER] [::sp::await one]
} -result {eof {before file after} 1000000}

test sendpeer-1.4 {a file without a command follows one with a command} -body {
    set chan [::sp::connect]
    iocpsock::sendfile $chan $::sp::name -command {::sp::done one}
    ::sp::askLater read $::sp::serial
    set count [iocpsock::sendfile $chan $::sp::name -size 300000]
    puts -nonewline $chan AFTER
    close $chan
    fileevent $::sp::control readable {}
    fconfigure $::sp::control -blocking 1
    lassign [gets $::sp::control] length how
    set text [read $::sp::control $length]
    list $count [::sp::await one] $how [::sp::parts $text \
	part [string range $::sp::file 0 299999] after AFTER]
} -result {300000 1000000 eof {file part after}}

test sendpeer-2.1 {peers that do not receive do not delay others} -body {
    set stalled {}
    set first [expr {$::sp::serial + 1}]
    for {set i 0} {$i < 8} {incr i} {
	set chan [::sp::connect]
	lappend stalled $chan
	iocpsock::sendfile $chan $::sp::name -command [list ::sp::done $i]
    }
    set chan [::sp::connect]
    iocpsock::sendfile $chan $::sp::name -command {::sp::done last}
    close $chan
    lassign [::sp::received $::sp::serial] how text
    set seen [list $how [::sp::parts $text] [::sp::await last]]
    set held 0
    foreach chan $stalled {
	set held [expr {max($held,
	    [dict get [fconfigure $chan -stats] sendBuffered])}]
	close $chan
    }
    for {set i 0} {$i < 8} {incr i} {
	lassign [::sp::received [expr {$first + $i}]] how text
	lappend seen $how [::sp::parts $text]
    }
    list $seen [expr {$held > 0 && $held <= 2 * 65536}]
} -result [list [list {*}{eof file 1000000} {*}[lrepeat 8 eof file]] 1]

test sendpeer-2.2 {a reset by the peer is reported for each file} -body {
    set chan [::sp::connect]
    iocpsock::sendfile $chan $::sp::name -command {::sp::done one}
    puts -nonewline $chan BETWEEN
    iocpsock::sendfile $chan $::sp::name -command {::sp::done two}
    ::sp::ask take $::sp::serial 100000
    ::sp::ask reset $::sp::serial
    lassign [::sp::await one] one why
    lassign [::sp::await two] two whyNot
    catch {close $chan}
    list [expr {$one < 1000000}] [expr {$why ne ""}] $two \
	[expr {$whyNot ne ""}]
} -result {1 1 0 1}

foreach {n blocking} {3 1 4 0} {
    test sendpeer-2.$n "an exit delivers the file, -blocking $blocking" -body {
	incr ::sp::serial
	set child [support::child {
	    lassign $argv port name blocking
	    set chan [support::sock 127.0.0.1 $port]
	    fconfigure $chan -translation binary -sosndbuf 32768 \
		-blocking $blocking
	    iocpsock::sendfile $chan $name -command list
	    exit
	} $::sp::dataPort $::sp::name $blocking]
	support::until {[::sp::ask count] > $::sp::serial}
	lassign [::sp::received $::sp::serial] how text
	list $how [::sp::parts $text] [support::childEnd $child]
    } -result {eof file {status 0 output {}}}
}

test sendpeer-3.1 {nothing is left} -body {
    support::zeroStats
} -result {sockets 0 operations 0 bufferBytes 0 handles 0 connections 0}

close $::sp::control
tcltest::removeFile sendpeer.bin
