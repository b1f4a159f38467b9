# exitNative.tcl --
#
#       The peers of exit.sh, in Debian's own tclsh, outside Wine.
#
#           exitNative.tcl RUNNER

set folder [file dirname [file normalize [info script]]]
source [file join $folder .. nativeSupport.tcl]
source [file join $folder wishNative.tcl]

# Starts wish and ends it in a way, inside a modal loop or not. Returns what the
# peers received: from a channel with output, from one that was closed with more
# output than the system takes, from an idle one; and how the process ended.
proc native::finish {how {kind {}}} {
    set pipe [startWish 2>@1]
    foreach name {full sink quiet asker} {
        set chan($name) [dial here]
    }
    ask $chan(quiet) echo here
    set entered {}
    if {$kind ne ""} {
        set entered [enter here handler $kind]
    }
    puts $chan(full) "fill 300000"
    puts $chan(sink) "send 3000000"
    ask $chan(asker) echo between
    set answer [lindex [ask $chan(asker) finish $how] 1]
    set sunk [all $chan(sink)]
    set got [list [peer::verdict [all $chan(full)] 300000] \
        [peer::verdict $sunk 3000000] $answer \
        [all $chan(asker)] [all $chan(quiet)]]
    foreach other $entered {
        lappend got [all $other]
    }
    lappend got [rest $pipe]
    fconfigure $pipe -blocking 1
    lappend got [catch {close $pipe}]
    return $got
}

# ----------------------------------------------------------------------

set n 0
foreach how {exit destroy button} {
    test exit-1.[incr n] "$how" -body {
        native::finish $how
    } -result {ok ok ending {} {} {} 0}
}

set n 0
# "destroy" in "move" is missing: Wine continues to move a destroyed window
# until a key is pressed.
foreach {kind how} {
    messageBox exit messageBox destroy popup exit popup destroy move exit
} {
    test exit-2.[incr n] "$how, in $kind" -body {
        native::finish $how $kind
    } -result {ok ok ending {} {} {} {} {} 0}
}

native::endTests
