# dnsquery.tcl --
#
#	Asks a DNS server for the IPv4 addresses of a name, and prints them. It
#	asks up to three times, as datagrams may be lost.
#
#	    tclsh dnsquery.tcl -name www.tcl-lang.org -server 9.9.9.9
#
#	-name NAME		localhost
#	-server ADDRESS		127.0.0.1
#	-port NUMBER		53
#	-wait MS		1000: for each answer
#
#	The exit status is 0 with addresses, 1 without.

source [file join [file dirname [info script]] program.tcl]

# A question: its number, one question, and the name as labels.

proc question {id name} {
    set bytes [binary format SSSSSS $id 0x0100 1 0 0 0]
    foreach label [split [string trimright $name .] .] {
        append bytes [binary format ca* [string length $label] $label]
    }
    return [append bytes [binary format cSS 0 1 1]]
}

# The place behind a name that begins at a place.

proc behindName {bytes at} {
    while {[binary scan $bytes @${at}cu length] && $length > 0} {
        if {$length >= 0xc0} {
            return [expr {$at + 2}]
        }
        incr at [expr {$length + 1}]
    }
    return [expr {$at + 1}]
}

# The addresses of an answer. A number of bytes that is wrong ends the list.

proc addresses {bytes} {
    set found {}
    if {[binary scan $bytes SuSuSuSu - - questions answers] < 4} {
        return $found
    }
    set at 12
    for {set i 0} {$i < $questions} {incr i} {
        set at [expr {[behindName $bytes $at] + 4}]
    }
    for {set i 0} {$i < $answers} {incr i} {
        set at [behindName $bytes $at]
        if {[binary scan $bytes @${at}SuSuIuSu type class - length] < 4} {
            break
        }
        incr at 10
        if {$type == 1 && $class == 1
                && [binary scan $bytes @${at}cu4 octets] == 1} {
            lappend found [join $octets .]
        }
        incr at $length
    }
    return $found
}

set options [program::options dnsquery {-name localhost -server 127.0.0.1
    -port 53 -wait 1000}]
if {[catch {package require iocpsock} message]} {
    program::fail $message 1
}
set id [expr {int(rand() * 65536)}]

# A connected channel hears no strangers.
set chan [iocpsock::udp [dict get $options -server] [dict get $options -port]]
set found {}
for {set try 0} {$try < 3 && $found eq ""} {incr try} {
    iocpsock::sendto $chan [question $id [dict get $options -name]]
    foreach {bytes facts} [iocpsock::recv $chan \
            -timeout [dict get $options -wait]] {
        if {[binary scan $bytes Su number] == 1 && $number == $id} {
            set found [addresses $bytes]
            set try 3
        }
    }
}
set error [fconfigure $chan -error]
close $chan
if {$found eq ""} {
    program::fail [expr {$error ne "" ? $error : "no address"}] 1
}
puts [join $found \n]
