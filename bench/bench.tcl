# bench.tcl CASE DRIVER ?NAME=VALUE ...?
#
# Measures one case with one driver, once, and writes a line to stdout:
# "RESULT key value ...". It runs in any Tcl 8.6 or 9.0, on any platform.
#
# CASE     a procedure of the namespace bench::case (cases.tcl)
# DRIVER   a script whose last command is used in place of socket, such as
#          "package require iocpsock; iocpsock::socket"
# seconds=2       how long to measure
# count=0         if not 0, how many operations to measure
# mode=           the connections' -recvmode, if the driver has this option
# samples=        a folder. At some points the script prints "SAMPLE name" and
#                 waits until the program that reads this has examined the
#                 process and made a file of that name in the folder
#
# bench.tcl serve DRIVER   is the other process of cases with two processes.

namespace eval bench::case {}

namespace eval bench {
    variable directory [file dirname [info script]]
    variable param
    array set param {seconds 2 count 0 mode {} samples {}}
}

# Lets another program examine this process. Tcl cannot do that itself under
# Wine.
proc bench::Sample {name} {
    variable param
    if {$param(samples) ne {}} {
        puts "SAMPLE $name"
        flush stdout
        while {![file exists $param(samples)/$name]} {
            after 1
        }
    }
}

# Loads the driver; from then on bench::Socket is its command.
proc bench::UseDriver {driver} {
    set commands [lmap part [split $driver ";"] {string trim $part}]
    foreach command [lrange $commands 0 end-1] {
        uplevel #0 $command
    }
    interp alias {} ::bench::Socket {} {*}[lindex $commands end]
}

# Sets the options of all connections.
proc bench::Configure {chan args} {
    variable param
    chan configure $chan -blocking 0 -translation binary -buffering none \
        {*}$args
    if {$param(mode) ne {}} {
        chan configure $chan -recvmode $param(mode)
    }
}

proc bench::Listen {handler} {
    set server [Socket -server $handler -myaddr 127.0.0.1 0]
    return [list $server [lindex [chan configure $server -sockname] 2]]
}

proc bench::Connect {port args} {
    set chan [Socket 127.0.0.1 $port]
    Configure $chan {*}$args
    return $chan
}

# Begins a measurement. It lasts for a number of operations, or for a time.
proc bench::Begin {} {
    variable param
    variable done 0
    variable ops 0
    Sample begin
    variable startUs [clock microseconds]
    variable endUs [expr {$startUs + int($param(seconds) * 1e6)}]
}

# Counts an operation that has ended; true if it was the last one.
proc bench::Count {} {
    variable param
    variable ops
    variable endUs
    variable done
    incr ops
    if {$param(count) > 0
        ? $ops >= $param(count)
        : [clock microseconds] >= $endUs} {
        set done 1
    }
    return $done
}

# Waits for the end, and returns the microseconds for each operation.
proc bench::End {} {
    variable done
    variable ops
    variable startUs
    if {!$done} {
        vwait bench::done
    }
    set elapsedUs [expr {[clock microseconds] - $startUs}]
    Sample end
    if {$ops == 0} {
        error "no operation has completed"
    }
    return [dict create ops $ops us [expr {double($elapsedUs) / $ops}]]
}

# The same, for operations with this many bytes each.
proc bench::EndBytes {bytes} {
    set result [End]
    set mib [expr {$bytes / 1048576.0}]
    return [dict create ops [dict get $result ops] mibPerOp $mib \
        mibs [expr {$mib * 1e6 / [dict get $result us]}]]
}

# Ends a process that would wait forever.
proc bench::Watchdog {seconds} {
    after [expr {$seconds * 1000}] {
        puts stderr "bench.tcl: ended, because it took too long"
        exit 3
    }
}

proc bench::Main {arguments} {
    variable directory
    variable param
    if {[llength $arguments] < 2} {
        puts stderr "usage: bench.tcl CASE DRIVER ?NAME=VALUE ...?"
        exit 2
    }
    set options [lassign $arguments case driver]
    foreach option $options {
        set name [lindex [split $option =] 0]
        if {![info exists param($name)]} {
            puts stderr "bench.tcl: no parameter \"$name\": should be one of\
                [join [lsort [array names param]] {, }]"
            exit 2
        }
        set param($name) [string range $option [string length $name]+1 end]
    }
    uplevel #0 [list source [file join $directory cases.tcl]]
    if {[info commands ::bench::case::$case] eq {}} {
        puts stderr "bench.tcl: no case \"$case\": should be one of\
            [join [lsort [lmap name [info commands ::bench::case::*] {
                namespace tail $name}]] {, }]"
        exit 2
    }
    UseDriver $driver
    Watchdog [expr {60 + 10 * int($param(seconds))}]
    puts "RESULT [::bench::case::$case]"
    flush stdout
}

bench::Main $argv
exit 0
