# syslog.tcl --
#
#	A receiver of syslog messages (RFC 3164 and 5424) by UDP. It prints a
#	line for each: the time, the sender, the facility and the severity, and
#	the text.
#
#	    tclsh syslog.tcl -port 5514
#
#	-queuecount NUMBER	10000: so many messages may wait to be printed;
#				further ones are dropped, and their number is
#				printed every minute
#
#	program.tcl describes the other options. Try it with
#	    logger -n 127.0.0.1 -P 5514 -d hello

source [file join [file dirname [info script]] program.tcl]

set facilities {kern user mail daemon auth syslog lpr news uucp cron authpriv
    ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6
    local7}
set severities {emerg alert crit err warning notice info debug}

# Called for each datagram. Anybody can send anything, so control characters are
# not printed.

proc message {chan bytes facts} {
    global facilities severities
    if {![regexp {^<(\d{1,3})>(.*)$} $bytes -> priority text]
            || [scan $priority %d] > 191} {
        set priority 13
        set text $bytes
    }
    scan $priority %d priority
    set text [encoding convertfrom iso8859-1 $text]
    regsub -all {[[:cntrl:]]+} [string trimright $text] { } text
    puts "[clock format [clock seconds] -format {%Y-%m-%d %H:%M:%S}]\
        [dict get $facts address] [lindex $facilities [expr {$priority / 8}]].[
        lindex $severities [expr {$priority % 8}]] $text"
}

proc reportDrops {chan before} {
    set dropped [dict get [fconfigure $chan -stats] dropped]
    if {$dropped > $before} {
        puts "dropped [expr {$dropped - $before}]"
    }
    after 60000 [list reportDrops $chan $dropped]
}

set options [program::options syslog {-port 5514 -queuecount 10000}]
fconfigure stdout -buffering line -encoding utf-8
set chan [program::listenUdp -command message]
fconfigure $chan -queuecount [dict get $options -queuecount]
reportDrops $chan 0
program::wait
