# outsideServe.tcl --
#
#       Runs in the Windows tclsh for outside.tcl: each line of standard input
#       is a script, which is answered by a line: how it ended and what it
#       gave, as a list. A program that enters the event loop gives no answer;
#       the lines behind it are served from there.

fconfigure stdin -encoding utf-8
fconfigure stdout -buffering line -encoding utf-8

proc serveLine {} {
    if {[gets stdin line] < 0} {
        if {[eof stdin]} {
            exit 0
        }
        return
    }
    set code [catch {uplevel #0 $line} result]
    puts [string map {\n " "} [list $code $result]]
}

fileevent stdin readable serveLine
vwait forever
