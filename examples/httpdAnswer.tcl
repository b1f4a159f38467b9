# httpdAnswer.tcl --
#
#	How a Connection of the web server httpd.tcl answers a request: with a
#	file or a part of it, or with a status.

namespace eval httpd {
    # The size of a piece when a large file is copied from disk.
    variable copyPiece 262144
}

# httpd::Copied --
#
#	Tells a connection that a piece of a file was sent. The connection may
#	have ended meanwhile.

proc httpd::Copied {connection args} {
    if {[info object isa object $connection]} {
        $connection wake copied {*}$args
    }
}

oo::define httpd::Connection {
    method Answer {path query fields} {
        set entry [$server lookup $path]
        set status [dict get $entry status]
        if {$status == 200} {
            my AnswerFile $entry $fields
        } elseif {$status == 301} {
            my SendText 301 "Location: $path/$query\r\n"
        } else {
            my SendText $status ""
        }
    }

    method AnswerFile {entry fields} {
        set size [dict get $entry size]
        if {[httpd::IsUnchanged $fields $entry]} {
            my SendHead 304 [dict get $entry fields] ""
            return
        }
        set status 200
        set extra ""
        set offset 0
        set length $size
        if {[dict exists $fields range] && !$isHead} {
            set range [my FindRange $entry $fields]
            if {$range ne ""} {
                lassign $range offset length
                if {$length == 0} {
                    my SendText 416 "Content-Range: bytes */$size\r\n"
                    return
                }
                set last [expr {$offset + $length - 1}]
                set status 206
                set extra "Content-Range: bytes $offset-$last/$size\r\n"
            }
        }
        my SendPart $entry $status $extra $offset $length
    }

    # FindRange --
    #
    #	Returns the range that a request asks for, as ParseRange does; an empty
    #	list if the file has changed since the client got its part (If-Range).

    method FindRange {entry fields} {
        if {[dict exists $fields if-range]} {
            set mark [dict get $fields if-range]
            if {$mark ne [dict get $entry tag]
                    && $mark ne [dict get $entry date]} {
                return ""
            }
        }
        httpd::ParseRange [dict get $fields range] [dict get $entry size]
    }

    # SendHead --
    #
    #	Sends the head of an answer.
    #
    # Arguments:
    #	fields		Header lines that are specific to this answer.
    #	length		The length of its body, or empty if it has none.

    method SendHead {status fields length} {
        set head "HTTP/1.1 $status [dict get $::httpd::reasons $status]\r\n"
        append head $::httpd::dateField \
            "X-Content-Type-Options: nosniff\r\n" $fields
        if {$length ne ""} {
            append head "Content-Length: $length\r\n"
        }
        if {!$persists} {
            append head "Connection: close\r\n"
        } elseif {$minor == 0} {
            append head "Connection: keep-alive\r\n"
        }
        set answered 1
        puts -nonewline $sock $head\r\n
        if {$isHead || $length eq ""} {
            set length -
        }
        $server log $host $line $status $length
    }

    # SendText --
    #
    #	Sends an answer whose text is only its status.

    method SendText {status fields} {
        set text "$status [dict get $::httpd::reasons $status]\n"
        append fields "Content-Type: text/plain; charset=utf-8\r\n"
        my SendHead $status $fields [string length $text]
        if {!$isHead} {
            puts -nonewline $sock $text
        }
    }

    # SendRefusal --
    #
    #	Refuses a request, which ends the conversation.

    method SendRefusal {status} {
        set persists 0
        set fields ""
        if {$status == 405} {
            set fields "Allow: GET, HEAD\r\n"
        } elseif {$status == 503} {
            set fields "Retry-After: 5\r\n"
        }
        my SendText $status $fields
        my Flush
        my Linger
    }

    # SendPart --
    #
    #	Sends a file, or a part of it.

    method SendPart {entry status extra offset length} {
        set fields [dict get $entry fields]$extra
        if {$isHead} {
            my SendHead $status $fields $length
        } elseif {[dict exists $entry body]} {
            if {$length > $::httpd::bufferSize - 1000} {
                fconfigure $sock -buffersize $::httpd::largeBufferSize
            }
            my SendHead $status $fields $length
            set body [dict get $entry body]
            if {$length != [dict get $entry size]} {
                set last [expr {$offset + $length - 1}]
                set body [string range $body $offset $last]
            }
            puts -nonewline $sock $body
        } else {
            # Open the file before sending the head: this may fail.
            try {
                set chan [open [dict get $entry file] rb]
            } trap {POSIX EACCES} {} {
                return [my SendText 403 ""]
            } trap {POSIX ENOENT} {} {
                return [my SendText 404 ""]
            } on error {} {
                return [my SendText 500 ""]
            }
            try {
                my SendHead $status $fields $length
                my Copy $chan $offset $length
            } finally {
                close $chan
            }
        }
        if {[chan pending output $sock] > $::httpd::outputLimit} {
            my Flush
        }
    }

    method Copy {chan offset length} {
        fconfigure $chan -buffersize 65536
        seek $chan $offset
        # The driver sends the file, if it can. This leaves the channel's
        # position where it is, so each piece says its offset.
        set sends [llength [info commands ::iocpsock::sendfile]]
        fileevent $sock readable {}
        while {$length > 0} {
            my Allow [dict get $settings -timeout]
            if {$sends} {
                set copy [list ::iocpsock::sendfile $sock $chan -offset $offset]
            } else {
                set copy [list fcopy $chan $sock]
            }
            {*}$copy -size [expr {min($length, $::httpd::copyPiece)}] \
                -command [list ::httpd::Copied [self]]
            lassign [my Wait] - copied failure
            if {$failure ne "" || $copied == 0} {
                # The client has disconnected, or the file has become shorter.
                throw {HTTPD GONE} $failure
            }
            incr length -$copied
            incr offset $copied
        }
        fileevent $sock readable [list $coroutine readable]
    }

    # Flush --
    #
    #	Sends all output, and waits until Tcl has handed it to the driver.

    method Flush {} {
        flush $sock
        if {[chan pending output $sock] == 0} {
            return
        }
        my Allow [dict get $settings -timeout]
        fileevent $sock readable {}
        fileevent $sock writable [list $coroutine writable]
        while {[chan pending output $sock] > 0} {
            my Wait
        }
        fileevent $sock writable {}
        fileevent $sock readable [list $coroutine readable]
    }
}
