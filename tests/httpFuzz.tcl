# httpFuzz.tcl --
#
#	tclsh httpFuzz.tcl PORT COUNT SEED
#
#	Sends COUNT malformed requests to the web server on 127.0.0.1, each on
#	a connection of its own, several at a time. The server must give no
#	answer, or a right one: success if the request happens to be valid, a
#	4xx, or 501 and 505 for a method, coding or version that it does not
#	know. Prints how often each answer came. For any other answer it prints
#	the number and the text of the request, and exits with 1.

package require Tcl 8.6-

lassign $argv port count seed
set atOnce 8
set limitMs 30000

set good [list \
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n" \
    "GET /index.html?x=%41 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" \
    "HEAD /64k.bin HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\n\r\n" \
    "GET /64k.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n" \
    "GET /name%20with%20spaces.txt HTTP/1.0\r\n\r\n" \
    "GET http://a/sub/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" \
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" \
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" \
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" \
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" \
    "GET / HTTP/1.1\r\nHost: a\r\nIf-Modified-Since:\
        Thu, 01 Jan 1970 00:00:00 GMT\r\nIf-None-Match: \"x\"\r\n\r\n"]

set pieces [list \0 \r \n \r\n \r\n\r\n "\r\n " " " \t % %zz %00 %2f %5c ../ \
    ..\\ /../ : :: \" \; , = # ? // \\ ~ \x7f \x80 \xff \xc3\xa4 HTTP/1.1 \
    HTTP/9.9 http:// GET get PUT Host: "Host: b\r\n" "Content-Length: -1\r\n" \
    "Content-Length: 99999999999999999999\r\n" "Content-Length: 1\r\n" \
    "Content-Length: 0x10\r\n" "Transfer-Encoding: gzip\r\n" \
    "Transfer-Encoding: chunked\r\n" "Range: bytes=-\r\n" \
    "Range: bytes=9-1\r\n" "Range: bytes=0-,5-6\r\n" \
    "Range: bytes=99999999999999999999-\r\n" "Expect: nothing\r\n" \
    "Connection: upgrade\r\n" "If-Modified-Since: never\r\n" \
    "X: [string repeat a 20000]\r\n" "[string repeat "Y: b\r\n" 500]" \
    [string repeat /a 9000] CON NUL aux.txt /C:/ /index.html::\$DATA]

proc Random {bound} {
    expr {int(rand() * $bound)}
}

proc Pick {list} {
    lindex $list [Random [llength $list]]
}

# Makes a request with one to four mistakes.

proc Request {} {
    set text [Pick $::good]
    for {set mistakes [expr {1 + [Random 4]}]} {$mistakes > 0} \
            {incr mistakes -1} {
        set at [Random [expr {[string length $text] + 1}]]
        set end [expr {$at + [Random 8]}]
        switch [Random 6] {
            0 { set text [string replace $text $at $end] }
            1 {
                set byte [format %c [Random 256]]
                set text [string replace $text $at $at $byte]
            }
            2 { set text [string range $text 0 $at-1] }
            3 { append text [string range $text $at end] }
            default {
                set text [string range $text 0 $at-1][Pick $::pieces][
                    string range $text $at end]
            }
        }
    }
    return $text
}

proc Fail {number why} {
    puts "request $number of seed $::seed: $why"
    puts [string map {\r \\r \n \\n} [string range $::requests($number) 0 2000]]
    exit 1
}

# No event may be lost: vwait would wait forever.

proc bgerror {message} {
    puts $::errorInfo
    exit 1
}

# The system keeps the ports of ended connections for a minute. A fast machine
# runs out of ports, and has to wait.

proc Start {} {
    variable number
    if {[catch {socket 127.0.0.1 $::port} sock options]} {
        if {[lindex [dict get $options -errorcode] 1] eq "EADDRNOTAVAIL"
                && [incr ::waits] < 1000} {
            after 200 Start
            return
        }
        return -options $options $sock
    }
    set ::waits 0
    set this [incr number]
    set ::requests($this) [Request]
    fconfigure $sock -blocking 0 -translation binary
    set ::answers($this) ""
    set ::timers($this) [after $::limitMs [list Fail $this "no end"]]
    fileevent $sock readable [list Receive $this $sock]

    # Sends it in up to three pieces.
    set text $::requests($this)
    for {set i [Random 3]} {$i > 0} {incr i -1} {
        set at [Random [expr {[string length $text] + 1}]]
        Send $sock [string range $text 0 $at-1]
        set text [string range $text $at end]
    }
    Send $sock $text
    catch {close $sock write}
}

# The server may have refused and closed.

proc Send {sock text} {
    catch {
        puts -nonewline $sock $text
        flush $sock
    }
}

proc Receive {number sock} {
    set code [catch {read $sock} data]
    if {!$code} {
        append ::answers($number) $data
        if {![eof $sock]} {
            return
        }
    }
    catch {close $sock}
    after cancel $::timers($number)
    Judge $number
    unset ::requests($number) ::answers($number) ::timers($number)
    incr ::done
    if {$::number < $::count} {
        Start
    }
}

proc Judge {number} {
    set answer $::answers($number)
    set status none
    if {$answer ne "" && ![regexp {^HTTP/1\.1 (\d\d\d) } $answer - status]} {
        Fail $number "the answer is [string range $answer 0 200]"
    }
    if {$status ni {none 100 200 206 301 304 501 505}
            && ![string match 4?? $status]} {
        Fail $number "the status is $status"
    }
    incr ::seen($status)
}

expr {srand($seed)}
set number 0
set done 0
for {set i 0} {$i < $atOnce && $number < $count} {incr i} {
    Start
}
while {$done < $count} {
    vwait done
}
set summary {}
foreach status [lsort [array names seen]] {
    lappend summary "$seen($status) x $status"
}
puts "seed $seed, $count requests: [join $summary {, }]"
