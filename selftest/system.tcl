# system.tcl --
#
#       The part "system" of the self-test: it describes this machine. A fact
#       that cannot be determined is shown as unknown, and the others follow.
#
#           tclsh system.tcl ROOT       ROOT: the folder of the package

namespace eval facts {
    variable root [lindex $::argv 0]
    variable failures 0
}

proc facts::heading {text} {
    puts "\n$text"
}

proc facts::fact {name script} {
    if {[catch {uplevel 1 $script} value]} {
        set value "(unknown: $value)"
    }
    puts [format "  %-22s %s" $name $value]
}

# The same for a fact that must not be missing.

proc facts::must {name script} {
    variable failures
    if {[catch {uplevel 1 $script} value]} {
        incr failures
        set value "FAILED: $value"
    }
    puts [format "  %-22s %s" $name $value]
}

proc facts::value {key name} {
    return [registry get $key $name]
}

# Prints the output of a program, indented. Some systems lack the program.

proc facts::run {args} {
    puts "\n\$ $args"
    set code [catch {exec {*}$args <NUL 2>@1} output]
    foreach line [split [string trim $output] \n] {
        puts "  [string trimright $line]"
    }
    if {$code} {
        puts "  (it failed)"
    }
}

proc facts::windows {} {
    set key {HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion}
    set cpu HKEY_LOCAL_MACHINE\\HARDWARE\\DESCRIPTION\\System
    append cpu \\CentralProcessor\\0
    heading Windows
    foreach name {
        ProductName EditionID InstallationType DisplayVersion ReleaseId
        CurrentBuild UBR
    } {
        fact $name {value $key $name}
    }
    fact "ver" {string trim [exec {*}[auto_execok ver] <NUL]}
    fact "kernel" {testsystem version}
    fact "Wine" {
        set version [testsystem wine]
        expr {$version eq "" ? "no" : $version}
    }
    fact "processor" {string trim [value $cpu ProcessorNameString]}
    fact "processors" {set ::env(NUMBER_OF_PROCESSORS)}
    fact "memory, MiB" {
        lassign [testsystem memory] total free
        string cat "$total, $free free"
    }
    fact "time" {clock format [clock seconds]}
}

proc facts::tcl {} {
    variable root
    heading Tcl
    fact "patchlevel" {info patchlevel}
    fact "shell" {file nativename [info nameofexecutable]}
    fact "library" {file nativename [info library]}
    fact "threads" {
        expr {[info exists ::tcl_platform(threaded)]
            || [package vsatisfies [info patchlevel] 9-]}
    }
    fact "system encoding" {encoding system}
    foreach name [lsort [array names ::tcl_platform]] {
        if {$name ne "user"} {
            fact $name {set ::tcl_platform($name)}
        }
    }
    heading "The package"
    must "iocpsock" {package require iocpsock}
    must "its DLL" {
        set files [lmap loaded [info loaded] {lindex $loaded 0}]
        set file [lsearch -inline -glob $files *iocpsock.dll]
        if {![string match -nocase [file normalize $root]/* \
                [file normalize $file]]} {
            error "not from $root: $file"
        }
        file nativename $file
    }
    must "iocpsocktest" {package require iocpsocktest}
}

# Prints Winsock's catalogue, which shows layers of other vendors between
# programs and TCP.

proc facts::winsock {} {
    heading "Winsock's catalogue (id, family, type, layers, handles, name)"
    if {[catch {testsystem providers} providers]} {
        puts "  (unknown: $providers)"
        return
    }
    foreach provider $providers {
        lassign $provider id family type layers handles name
        puts [format "  %5d %3d %2d %2d %s %s" $id $family $type $layers \
            [expr {$handles ? "yes" : "NO "}] $name]
    }
}

# Names may have characters that the system's encoding lacks.
if {[package vsatisfies [info patchlevel] 9-]} {
    fconfigure stdout -profile replace
}
catch {package require registry}
facts::tcl
facts::windows
facts::winsock
foreach family {ipv4 ipv6} {
    facts::run netsh int $family show excludedportrange protocol=tcp
    facts::run netsh int $family show dynamicport protocol=tcp
}
facts::run netsh int tcp show global
facts::run netsh winsock show catalog
puts ""
if {$facts::failures > 0} {
    puts "FAILED: the package is incomplete or does not load"
    exit 1
}
puts "the package loads"
