# outsideServe.tcl --
#
#       Runs in the Windows tclsh for outside.tcl. Each line of its standard
#       input is a script. It answers with a line: the list of the script's
#       return code and result. A program that enters the event loop gives no
#       answer, but serves later lines.

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
