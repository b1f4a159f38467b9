# httpdConnection.tcl --
#
#	The class Connection of the web server httpd.tcl: one client's
#	conversation, from the first byte to the last. Its methods that make
#	answers are in httpdAnswer.tcl.

namespace eval httpd {
    # The size of a connection's buffers. Tcl's allocator keeps blocks of up to
    # 16 KiB; it would get larger ones from the system for each answer. A
    # connection that sends larger files has the larger size from then on: a
    # file that is kept in memory leaves in one piece with its head.
    variable bufferSize 16000
    variable largeBufferSize 69632

    # A client may send requests in advance until this many bytes wait to be
    # sent to it. Then it must take its answers first.
    variable outputLimit 262144

    # How many requests that have already arrived are answered in one turn.
    variable answersPerTurn 4

    # How much input of a refused client is read, and for how long, before its
    # connection is closed.
    variable lingerBytes 1048576
    variable lingerSeconds 3
}

# httpd::Talk --
#
#	The coroutine of a connection.

proc httpd::Talk {connection full} {
    try {
        $connection talk $full
    } finally {
        $connection destroy
    }
}

oo::class create httpd::Connection {
    # server, settings, sock, host
    #		The arguments of the constructor.
    # coroutine	The command that resumes the conversation.
    # deadline	The second at which Wait gives up.
    # buffer	Bytes that were received and are not used yet.
    # line	The line of the current request, for the log.
    # isHead	Whether it is a HEAD: the answer has no body.
    # minor	Its version, HTTP/1.minor.
    # persists	Whether another request may follow.
    # answered	Whether the head of its answer was sent.
    # isNew	Whether no request has arrived yet.
    # inTurn	How many answers were made since the last wait.
    # isLeaving	Whether the connection ends when all output is sent.
    variable server settings sock host coroutine deadline buffer
    variable line isHead minor persists answered isNew inTurn isLeaving

    constructor {serverObject options socket peer} {
        set server $serverObject
        set settings $options
        set sock $socket
        set host $peer
        set deadline 0
        set buffer ""
        set isNew 1
        set inTurn 0
        set isLeaving 0
        my Begin -
        fconfigure $sock -blocking 0 -translation binary \
            -buffersize $::httpd::bufferSize
    }

    destructor {
        catch {close $sock}
        $server forget [self]
    }

    # talk --
    #
    #	Holds the conversation, from the first byte to the last. It must run in
    #	a coroutine, and does not fail.

    method talk {full} {
        set coroutine [info coroutine]
        try {
            fileevent $sock readable [list $coroutine readable]
            try {
                if {$full} {
                    httpd::Refuse 503
                }
                my Converse
            } trap {HTTPD REFUSE} {- options} {
                my SendRefusal [lindex [dict get $options -errorcode] 2]
            } trap {HTTPD GONE} {} {
                # The answers to its earlier requests are still sent.
            } trap HTTPD {message options} - trap POSIX {message options} {
                return -options $options $message
            } on error {- options} {
                $server report [dict get $options -errorinfo]
                if {!$answered} {
                    my SendRefusal 500
                }
            }
            my Leave
        } trap {HTTPD TIMEOUT} {} {
            my Abandon
        } on error {} {
            # The server ends, or the client has disconnected.
        }
    }

    method Converse {} {
        while {[my ReadHead head]} {
            set request [httpd::ParseHead $head]
            my Begin [lindex [split $head \r] 0]
            lassign $request method path query minor fields
            set isHead [expr {$method eq "HEAD"}]
            if {![$server answersTo $fields]} {
                httpd::Refuse 403
            }
            if {!$isHead && $method ne "GET"} {
                httpd::Refuse [expr {
                    $method in $::httpd::otherMethods ? 405 : 501}]
            }
            set persists [expr {$minor > 0
                ? ![httpd::HasWord $fields connection close]
                : [httpd::HasWord $fields connection keep-alive]}]
            my SkipBody $fields
            my Answer $path $query $fields
            if {!$persists} {
                break
            }
            if {[incr inTurn] >= $::httpd::answersPerTurn} {
                my Pause
            }
        }
        my Flush
        if {$buffer ne ""} {
            my Linger
        }
    }

    # Begin --
    #
    #	Resets the state of a request, before it is parsed.

    method Begin {requestLine} {
        set line $requestLine
        set isHead 0
        set minor 1
        set persists 0
        set answered 0
    }

    #
    # Waiting.
    #

    # Wait --
    #
    #	Suspends the conversation until something happens on this connection.
    #	All waiting is here. The deadline and the end of the server end every
    #	wait with an error.
    #
    # Results:
    #	The arguments of wake.

    method Wait {} {
        set inTurn 0
        set event [yield]
        switch -- [lindex $event 0] {
            timeout { throw {HTTPD TIMEOUT} "out of time" }
            stop { throw {HTTPD STOP} "the server ends" }
        }
        return $event
    }

    method wake {event args} {
        $coroutine [list $event {*}$args]
    }

    method expire {} {
        if {$deadline <= $::httpd::now} {
            my wake timeout
        } elseif {$isLeaving} {
            my wake tick
        }
    }

    method Allow {seconds} {
        # The clock may be one second behind, because it changes at ticks only.
        set deadline [expr {$::httpd::now + $seconds + 1}]
    }

    # Pause --
    #
    #	Lets other connections have their turn before the next answer. A client
    #	that has many unsent answers must take them first.

    method Pause {} {
        if {[chan pending output $sock] > $::httpd::outputLimit} {
            my Flush
        }
        my Allow [dict get $settings -timeout]
        fileevent $sock readable {}
        set timer [after 0 [list $coroutine turn]]
        try {
            my Wait
        } finally {
            after cancel $timer
        }
        fileevent $sock readable [list $coroutine readable]
    }

    #
    # Reading.
    #

    # ReadHead --
    #
    #	Waits for the next request.
    #
    # Results:
    #	Whether there is one. Its head, without the empty line, is put into
    #	the caller's variable of the given name.

    method ReadHead {headName} {
        upvar 1 $headName head
        my Begin -
        my Allow [dict get $settings [expr {$isNew ? "-first" : "-idle"}]]
        set limit [dict get $settings -maxrequest]
        set begun 0
        while 1 {
            # Empty lines before a request are ignored.
            if {[string index $buffer 0] eq "\r"} {
                regsub {^(?:\r\n)+} $buffer {} buffer
            }
            set end [string first \r\n\r\n $buffer]
            if {$end > $limit} {
                break
            } elseif {$end >= 0} {
                set head [string range $buffer 0 $end-1]
                set buffer [string range $buffer $end+4 end]
                set isNew 0
                return 1
            } elseif {[string length $buffer] > $limit} {
                break
            } elseif {[eof $sock]} {
                # A client that leaves within a request wants no answer.
                set buffer ""
                return 0
            } elseif {$buffer eq ""} {
                my AwaitInput 0
            } elseif {[regexp {^[^\r!-~]|[^\r]\n} $buffer]} {
                # This cannot become a request any more: do not wait for it.
                httpd::Refuse 400
            } else {
                if {!$begun} {
                    set begun 1
                    set before $deadline
                    my Allow [dict get $settings -timeout]
                    if {$isNew} {
                        set deadline [expr {min($before, $deadline)}]
                    }
                }
                my AwaitInput 1
            }
        }
        set end [string first \r\n $buffer]
        httpd::Refuse [expr {$end < 0 || $end > $limit ? 414 : 431}]
    }

    # AwaitInput --
    #
    #	Waits for more bytes and appends them to the buffer.
    #
    # Arguments:
    #	inRequest	Whether the client is within a request: if it is out of
    #			time then, it gets status 408.

    method AwaitInput {inRequest} {
        my Flush
        try {
            my Wait
        } trap {HTTPD TIMEOUT} {message options} {
            if {$inRequest} {
                httpd::Refuse 408
            }
            return -options $options $message
        }
        append buffer [read $sock $::httpd::bufferSize]
    }

    # SkipBody --
    #
    #	Reads and discards the body of a GET, which has no meaning.

    method SkipBody {fields} {
        set length [httpd::BodyLength $fields]
        if {$length > [dict get $settings -maxrequest]} {
            httpd::Refuse 413
        }
        if {[dict exists $fields expect] && $minor > 0} {
            if {![httpd::HasWord $fields expect 100-continue]} {
                httpd::Refuse 417
            }
            if {$length > 0} {
                puts -nonewline $sock "HTTP/1.1 100 Continue\r\n\r\n"
            }
        }
        if {$length == 0} {
            return
        }
        my Allow [dict get $settings -timeout]
        while {[string length $buffer] < $length} {
            if {[eof $sock]} {
                throw {HTTPD GONE} "end of file within a request"
            }
            my AwaitInput 1
        }
        set buffer [string range $buffer $length end]
    }

    #
    # The end.
    #

    # Unsent --
    #
    #	Returns how many bytes neither Tcl nor the driver has sent yet. Tcl's
    #	own driver does not report its part.

    method Unsent {} {
        # It is -1 after a half-close.
        set bytes [expr {max(0, [chan pending output $sock])}]
        catch {
            incr bytes [dict get [fconfigure $sock -stats] sendBuffered]
        }
        return $bytes
    }

    # Leave --
    #
    #	Ends a connection after its last answer. As long as the driver still
    #	has unsent output, the client counts as a connection, and has its
    #	deadline.

    method Leave {} {
        if {[chan pending output $sock] > 0} {
            my Flush
        }
        if {[my Unsent] == 0} {
            return
        }
        catch {close $sock write}
        fileevent $sock readable {}
        my Allow [dict get $settings -timeout]
        set isLeaving 1
        while {[my Unsent] > 0} {
            my Wait
        }
    }

    # Abandon --
    #
    #	Ends a connection that is out of time. A close alone would keep the
    #	unsent output in memory for as long as the client does not read it.

    method Abandon {} {
        catch {
            if {[my Unsent] > 0} {
                ::iocpsock::abort $sock
            }
        }
    }

    # Linger --
    #
    #	Ends a connection on which the client may still be sending. Closing it
    #	at once would reset it, and the client might not get the answer.

    method Linger {} {
        close $sock write
        my Allow $::httpd::lingerSeconds
        set allowed [expr {$::httpd::lingerBytes - [string length $buffer]}]
        while {$allowed > 0 && ![eof $sock]} {
            my Wait
            incr allowed -[string length [read $sock $::httpd::bufferSize]]
        }
    }
}
