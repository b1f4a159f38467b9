# httpd.tcl --
#
#	A web server for a folder of files: HTTP/1.1 in plain Tcl, for Tcl 8.6
#	and 9.0 on any platform, over any command that has the syntax of Tcl's
#	own "socket".
#
# As a program:
#
#	tclsh httpd.tcl -root DIR ?-option value ...?
#
# It prints a line "listening on ADDRESS PORT" for each address it listens on
# and serves until it is ended.
#
#	-root DIR		the folder to serve; needed
#	-port NUMBER		8080; 0 takes a free port
#	-address ADDRESS	127.0.0.1; empty for all addresses
#	-socket COMMAND		what opens the sockets: iocpsock::socket where
#				that package loads, else Tcl's own ::socket
#	-index NAME		index.html: what the address of a folder shows
#	-links NUMBER		0: a symbolic link that leads out of DIR is not
#				there; 1: it is followed
#	-hosts LIST		names by which it may be asked, beside localhost
#				and every address; * is any name. An empty list
#				is * unless ADDRESS is a loopback address
#	-maxrequest BYTES	16384: the longest request head, and the longest
#				body that a GET may bring along
#	-maxconnections NUMBER	500: clients beyond that are sent away
#	-timeout SECONDS	30: for a request to arrive once it has begun,
#				and for a client to take a piece of an answer
#	-first SECONDS		10: for a new client's first request to arrive
#	-idle SECONDS		60: for a client to begin its next request
#	-cache BYTES		16777216: memory for small files; 0 for none
#	-log FILE		an access log in the common format; - is stdout
#	-stdin quit		end when standard input does
#
# As a library:
#
#	source httpd.tcl
#	set server [httpd::start -root DIR ?-option value ...?]
#	set port [$server port]
#	...
#	$server destroy
#
# Any number of servers can run in one process. They need the event loop.
#
# What it does: GET and HEAD, persistent connections and pipelining, byte
# ranges, conditional requests, index files, and the redirection from a folder
# to its address with a slash. What it leaves out: uploads, programs, listings
# of folders, names that begin with a dot (but for .well-known), and, on
# Windows, every name that means a device, a stream, a drive or another
# spelling of some file's name.
#
# A server on a loopback address refuses names that it does not know, as any
# site's DNS can point a name of its own there and have a visitor's browser ask
# (DNS rebinding). Symbolic links are looked at when a file is loaded: whoever
# can change what is below DIR while it is served has to be trusted. Wine hides
# links from Windows programs, so that they are followed there.
#
# How it is built: a Server owns the listening socket and knows the files. Each
# client has a Connection, whose conversation runs in a coroutine of its own,
# so that it reads from top to bottom; all waiting is in one method, Wait. What
# cannot be answered is refused by throwing {HTTPD REFUSE status}, which ends
# the conversation. One timer for all, Tick, keeps the clock and wakes the
# connections whose time is up. A client that sends many requests at once gets a
# few answers, then the others have their turn. A client counts as a connection
# until everything is sent to it; one that does not take it in time is reset,
# where the driver can do that.

package require Tcl 8.6-
package provide httpd 1.0

namespace eval httpd {
    # The options and their defaults.
    variable defaults {
        -root "" -port 8080 -address 127.0.0.1 -socket "" -index index.html
        -links 0 -hosts "" -maxrequest 16384 -maxconnections 500
        -timeout 30 -first 10 -idle 60 -cache 16777216 -log ""
    }

    # A file up to this size is kept in memory and sent at once; a longer one
    # is copied from disk in pieces.
    variable smallFile 65536
    variable copyPiece 262144

    # A connection's buffers: a small file and its head leave in one piece, and
    # a single read takes all that has come.
    variable bufferSize 69632

    # How much may wait to be sent before a client that sends requests in
    # advance must take its answers.
    variable outputLimit 262144

    # How many requests that have already come are answered in one turn.
    variable answersPerTurn 4

    # What a refused client may still say before the connection is closed.
    variable lingerBytes 1048576
    variable lingerSeconds 3

    # The clock of all servers: the second, and how fields and logs write it.
    variable now 0
    variable dateField ""
    variable logDate ""
    variable timer ""

    variable servers {}
    variable lastCoroutine 0

    variable reasons {
        200 "OK"
        206 "Partial Content"
        301 "Moved Permanently"
        304 "Not Modified"
        400 "Bad Request"
        403 "Forbidden"
        404 "Not Found"
        405 "Method Not Allowed"
        408 "Request Timeout"
        411 "Length Required"
        413 "Content Too Large"
        414 "URI Too Long"
        416 "Range Not Satisfiable"
        417 "Expectation Failed"
        431 "Request Header Fields Too Large"
        500 "Internal Server Error"
        501 "Not Implemented"
        503 "Service Unavailable"
        505 "HTTP Version Not Supported"
    }

    variable types {
        .html  "text/html; charset=utf-8"
        .htm   "text/html; charset=utf-8"
        .css   "text/css; charset=utf-8"
        .js    "text/javascript; charset=utf-8"
        .mjs   "text/javascript; charset=utf-8"
        .txt   "text/plain; charset=utf-8"
        .md    "text/markdown; charset=utf-8"
        .csv   "text/csv; charset=utf-8"
        .tcl   "text/plain; charset=utf-8"
        .xml   application/xml
        .json  application/json
        .pdf   application/pdf
        .wasm  application/wasm
        .zip   application/zip
        .gz    application/gzip
        .tar   application/x-tar
        .png   image/png
        .jpg   image/jpeg
        .jpeg  image/jpeg
        .gif   image/gif
        .svg   image/svg+xml
        .webp  image/webp
        .avif  image/avif
        .ico   image/x-icon
        .woff  font/woff
        .woff2 font/woff2
        .ttf   font/ttf
        .otf   font/otf
        .mp3   audio/mpeg
        .ogg   audio/ogg
        .mp4   video/mp4
        .webm  video/webm
    }

    # What names of methods and fields are made of.
    variable token {^[0-9A-Za-z!#$%&'*+.^_`|~-]+$}

    # Methods that are known here, but that files do not have.
    variable otherMethods {CONNECT DELETE OPTIONS PATCH POST PUT TRACE}

    variable onWindows [expr {$::tcl_platform(platform) eq "windows"}]
}

#
# What needs no connection: reading requests, names, dates and ranges.
#

# httpd::Refuse --
#
#	Ends a conversation with the given status.

proc httpd::Refuse {status} {
    variable reasons
    throw [list HTTPD REFUSE $status] [dict get $reasons $status]
}

# httpd::ParseHead --
#
#	Takes a request's head apart.
#
# Arguments:
#	head		The request line and the fields, without the empty line
#			that ends them.
#
# Results:
#	A list: the method; the path and the query, as they came; the minor
#	version of HTTP/1; a dictionary from names of fields, in lower case, to
#	values. A repeated field has one value, joined with commas.

proc httpd::ParseHead {head} {
    # Text in whole lines: no lone CR or LF, no NUL.
    if {![regexp {^(?:[\t -~\u0080-\u00ff]|\r\n)*$} $head]} {
        Refuse 400
    }
    # Regular expressions that capture cost more than all the rest would.
    variable token
    set lines [split [string map {\r\n \n} $head] \n]
    set request [ParseRequestLine [lindex $lines 0]]
    set fields {}
    foreach line [lrange $lines 1 end] {
        # Without a colon, a 32-bit Tcl 9.0.4 takes -1-1 for the line's end.
        set colon [string first : $line]
        set name [string tolower [string range $line 0 $colon-1]]
        if {$colon < 0 || ![regexp $token $name]} {
            Refuse 400
        }
        set value [string trim [string range $line $colon+1 end] " \t"]
        if {[dict exists $fields $name]} {
            set value "[dict get $fields $name], $value"
        }
        dict set fields $name $value
    }
    if {[dict exists $fields host]} {
        if {[regexp {[ ,/]} [dict get $fields host]]} {
            Refuse 400
        }
    } elseif {[lindex $request 3] > 0} {
        Refuse 400
    }
    lappend request $fields
}

# httpd::ParseRequestLine --
#
#	Takes a request line apart: the first four elements of what ParseHead
#	gives.

proc httpd::ParseRequestLine {line} {
    variable token
    set parts [split $line " "]
    lassign $parts method target version
    if {[llength $parts] != 3 || ![regexp $token $method]
            || ![string match {HTTP/[0-9].[0-9]} $version]} {
        Refuse 400
    }
    if {![string match HTTP/1.* $version]} {
        Refuse 505
    }
    if {[string index $target 0] ne "/"} {
        if {$method in {CONNECT OPTIONS}} {
            # Not a path by nature: a host and port, or "*".
            return [list $method $target "" [string index $version end]]
        }
        # Or else the address in full, as for a proxy.
        if {![regexp -nocase {^https?://[^/?]+(.*)$} $target -> target]} {
            Refuse 400
        }
        if {[string index $target 0] ne "/"} {
            set target /$target
        }
    }
    if {[string first # $target] >= 0} {
        Refuse 400
    }
    set mark [string first ? $target]
    if {$mark < 0} {
        set query ""
    } else {
        set query [string range $target $mark end]
        set target [string range $target 0 $mark-1]
    }
    list $method $target $query [string index $version end]
}

# httpd::HasWord --
#
#	Tells whether a field that is a list of words holds the given one.

proc httpd::HasWord {fields name wanted} {
    if {[dict exists $fields $name]} {
        foreach word [split [string tolower [dict get $fields $name]] ,] {
            if {[string trim $word] eq $wanted} {
                return 1
            }
        }
    }
    return 0
}

# httpd::BodyLength --
#
#	Tells how many bytes follow a request's head.

proc httpd::BodyLength {fields} {
    if {[dict exists $fields transfer-encoding]} {
        if {[dict exists $fields content-length]} {
            # Two ideas of where the request ends, as smugglers send them.
            Refuse 400
        }
        set coding [string tolower [dict get $fields transfer-encoding]]
        Refuse [expr {$coding eq "chunked" ? 411 : 501}]
    }
    if {![dict exists $fields content-length]} {
        return 0
    }
    if {![regexp {^0*(\d+)$} [dict get $fields content-length] -> length]} {
        Refuse 400
    }
    if {[string length $length] > 18} {
        Refuse 413
    }
    return $length
}

# httpd::DecodeName --
#
#	Decodes a part of a path, between slashes.
#
# Results:
#	The name of a file or folder; empty where the name must not get to the
#	file system.

proc httpd::DecodeName {part} {
    variable onWindows
    if {[regexp {%(?![[:xdigit:]]{2})} $part]} {
        Refuse 400
    }
    set bytes [subst -nocommands -novariables \
        [string map {\\ \\\\ % \\u00} $part]]
    # Tcl 9.0 reports what is not UTF-8; for 8.6, compare with the way back.
    # 8.6 also takes surrogates, ED A0 80 to ED BF BF, there and back.
    if {[catch {encoding convertfrom utf-8 $bytes} name]
            || [encoding convertto utf-8 $name] ne $bytes
            || [regexp {\u00ed[\u00a0-\u00bf]} $bytes]} {
        Refuse 400
    }
    if {[regexp {^$|^\.|[\u0000-\u001f/\u007f]} $name]
            && $name ne ".well-known"} {
        return ""
    }
    if {$onWindows && ![IsPlainWindowsName $name]} {
        return ""
    }
    return $name
}

# httpd::IsPlainWindowsName --
#
#	Tells whether Windows takes a name for just what it says: no device, no
#	stream, drive or wildcard, no dot or space at the end (which would be
#	dropped), not the short form of another name (GIT~1).

proc httpd::IsPlainWindowsName {name} {
    set device {^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|}
    append device {(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\..*)?$}
    # Windows makes GIT~1 or AB12~1, Wine GIT~A1B.
    set short {^[^.]{0,6}~(?:[0-9]+|[A-Za-z0-5]{3})(?:\.[^.]{0,3})?$}
    expr {![regexp {[\\:*?"<>|]|[. ]$} $name]
        && ![regexp -nocase $device $name]
        && ![regexp $short $name]}
}

# httpd::RealName, httpd::IsInside --
#
#	RealName resolves all symbolic links in a file's name. IsInside tells
#	whether a file is in a folder, whose real name is given, once that is
#	done. Tcl does not resolve all kinds of links that Windows has; one that
#	is left may lead anywhere.

proc httpd::RealName {file} {
    # The last part of a name is not resolved, so it is not the last.
    file dirname [file normalize $file/.x]
}

proc httpd::IsInside {file root} {
    set file [RealName $file]
    set root [string trimright $root /]/
    if {[string first $root $file] != 0} {
        return 0
    }
    set name [string trimright $root /]
    foreach part [split [string range $file [string length $root] end] /] {
        append name / $part
        if {[file type $name] eq "link"} {
            return 0
        }
    }
    return 1
}

# httpd::KnownHosts, httpd::IsKnownHost --
#
#	KnownHosts gives the names that a server with the given options may be
#	asked by, in lower case. IsKnownHost tells whether the value of a Host
#	field is one of them, or cannot be somebody else's: an address cannot.

proc httpd::KnownHosts {options} {
    set hosts [string tolower [dict get $options -hosts]]
    if {![string is list $hosts]} {
        error "bad value \"$hosts\" for -hosts: should be a list of names"
    }
    set loopback {^(?:localhost|::1|127(?:\.\d+){3})$}
    if {[llength $hosts] == 0
            && ![regexp $loopback [dict get $options -address]]} {
        return *
    }
    return $hosts
}

proc httpd::IsKnownHost {host known} {
    set name [string tolower [regsub {:\d*$} $host ""]]
    expr {$name eq "localhost" || $name in $known || "*" in $known
        || [regexp {^(?:\d+(?:\.\d+){3}|\[[[:xdigit:]:.]+\])$} $name]}
}

# httpd::FormatDate, httpd::ParseDate --
#
#	From seconds to the dates of HTTP, and back. ParseDate knows the two
#	obsolete forms too, and gives -1 for what is no date.

proc httpd::FormatDate {seconds} {
    clock format $seconds -format "%a, %d %b %Y %H:%M:%S GMT" -gmt 1
}

proc httpd::ParseDate {text} {
    foreach format {
        "%a, %d %b %Y %H:%M:%S GMT"
        "%A, %d-%b-%y %H:%M:%S GMT"
        "%a %b %e %H:%M:%S %Y"
    } {
        if {![catch {clock scan $text -format $format -gmt 1} seconds]} {
            return $seconds
        }
    }
    return -1
}

# httpd::ParseRange --
#
#	Reads a Range field against the size of a file.
#
# Results:
#	The offset and the length, as a list. An empty list if the field does
#	not count: malformed, or several ranges, for which the whole file is a
#	proper answer too. A length of 0 if no byte of the file is meant.

proc httpd::ParseRange {range size} {
    if {![regexp -nocase {^bytes=(\d{0,18})-(\d{0,18})$} $range -> from to]
            || "$from$to" eq ""} {
        return {}
    }
    # Not plain numbers yet: 010 is ten here.
    scan $from %lld from
    scan $to %lld to
    if {$from eq ""} {
        set length [expr {min($to, $size)}]
        return [list [expr {$size - $length}] $length]
    }
    if {$to eq "" || $to >= $size} {
        set to [expr {$size - 1}]
    } elseif {$to < $from} {
        return {}
    }
    list $from [expr {max(0, $to - $from + 1)}]
}

# httpd::IsUnchanged --
#
#	Tells whether a client that asks conditionally has the current file.

proc httpd::IsUnchanged {fields entry} {
    if {[dict exists $fields if-none-match]} {
        foreach tag [split [dict get $fields if-none-match] ,] {
            set tag [string trim $tag]
            if {$tag eq "*" || [regsub ^W/ $tag ""] eq [dict get $entry tag]} {
                return 1
            }
        }
        return 0
    }
    if {[dict exists $fields if-modified-since]} {
        set date [dict get $fields if-modified-since]
        return [expr {$date eq [dict get $entry date]
            || [dict get $entry mtime] <= [ParseDate $date]}]
    }
    return 0
}

# httpd::Escape --
#
#	What a client has said, for a line of the log: nothing in it can end
#	the line or the field, or is a character that the log's encoding lacks.

proc httpd::Escape {text} {
    if {![regexp {[^ !#-\[\]-~]} $text]} {
        return $text
    }
    set escaped ""
    foreach char [split $text ""] {
        scan $char %c code
        if {$char in {\\ \"}} {
            append escaped \\$char
        } elseif {$code < 32 || $code > 126} {
            append escaped [format \\x%02x $code]
        } else {
            append escaped $char
        }
    }
    return $escaped
}

#
# The clock.
#

# httpd::Tick --
#
#	Keeps the clock, once per second while there are servers, and lets each
#	of them look for connections whose time is up.

proc httpd::Tick {} {
    variable servers
    variable timer
    after cancel $timer
    if {[llength $servers] == 0} {
        return
    }
    set timer [after 1000 [namespace code Tick]]
    SetClock
    foreach server $servers {
        $server sweep
    }
}

proc httpd::SetClock {} {
    variable now [clock seconds]
    variable dateField "Date: [FormatDate $now]\r\n"
    variable logDate [clock format $now -gmt 1 \
        -format "\[%d/%b/%Y:%H:%M:%S +0000\]"]
}

#
# The server: the listening socket and the files.
#

# httpd::start --
#
#	Starts a server; the options are at the top of this file.
#
# Results:
#	The server, an object: "$server port" is its port, "$server addresses"
#	a list of addresses and ports, "$server connections" how many clients
#	it has; "$server destroy" ends it.

proc httpd::start {args} {
    variable defaults
    if {[llength $args] % 2} {
        return -code error "value for \"[lindex $args end]\" missing"
    }
    foreach {option value} $args {
        if {![dict exists $defaults $option]} {
            return -code error "unknown option \"$option\": should be one of\
                [join [dict keys $defaults] {, }]"
        }
        if {[string is integer -strict [dict get $defaults $option]]
                && (![string is integer -strict $value] || $value < 0)} {
            return -code error "bad value \"$value\" for $option:\
                should be a number, 0 or more"
        }
    }
    Server new [dict merge $defaults $args]
}

# httpd::SocketCommand --
#
#	Gives the command that opens sockets: the given one, whose package is
#	loaded if it is not there yet, or the best there is.

proc httpd::SocketCommand {command} {
    if {$command eq ""} {
        if {[catch {package require iocpsock}]} {
            return ::socket
        }
        return ::iocpsock::socket
    }
    set name [lindex $command 0]
    if {[namespace eval :: [list namespace which -command $name]] eq ""} {
        package require [string trim [namespace qualifiers $name] :]
    }
    return $command
}

# A piece of a file was sent. The connection may have ended meanwhile.
proc httpd::Copied {connection args} {
    if {[info object isa object $connection]} {
        $connection wake copied {*}$args
    }
}

oo::class create httpd::Server {
    # settings	The options.
    # realRoot	The folder's name without symbolic links.
    # hosts	The names that clients may use.
    # listener	The listening socket.
    # log	The channel of the access log, or empty.
    # clients	A dictionary: the keys are the connections.
    # cache	A dictionary from paths, as they come in requests, to entries,
    #		the oldest first; see lookup.
    # cacheSize	About how much memory its entries take.
    variable settings realRoot hosts listener log clients cache cacheSize

    constructor {options} {
        set settings $options
        set listener ""
        set log ""
        set clients {}
        set cache {}
        set cacheSize 0

        set hosts [httpd::KnownHosts $options]
        set root [file normalize [dict get $settings -root]]
        if {[dict get $settings -root] eq "" || ![file isdirectory $root]} {
            error "no such folder: \"[dict get $settings -root]\""
        }
        # A name appended to "/" or "C:/" must not make it "//name".
        dict set settings -root [string trimright $root /]
        set realRoot [httpd::RealName $root]
        dict set settings -socket \
            [httpd::SocketCommand [dict get $settings -socket]]
        if {[dict get $settings -log] eq "-"} {
            set log stdout
        } elseif {[dict get $settings -log] ne ""} {
            set log [open [dict get $settings -log] a]
        }
        my Listen
        lappend ::httpd::servers [self]
        httpd::Tick
    }

    destructor {
        set ::httpd::servers [lsearch -all -inline -not -exact \
            $::httpd::servers [self]]
        if {$listener ne ""} {
            close $listener
        }
        foreach client [dict keys $clients] {
            $client wake stop
        }
        my EndLog ""
    }

    method Listen {} {
        set command [dict get $settings -socket]
        lappend command -server [list [self] accept]
        if {[dict get $settings -address] ne ""} {
            lappend command -myaddr [dict get $settings -address]
        }
        lappend command [dict get $settings -port]
        set listener [uplevel #0 $command]
        # Accepted sockets inherit these, where the options are known. A close
        # of what was not sent must not last for ever.
        catch {fconfigure $listener -nodelay 1}
        catch {
            fconfigure $listener -closetimeout \
                [expr {1000 * max(1, [dict get $settings -timeout])}]
        }
    }

    method addresses {} {
        set result {}
        foreach {address - port} [fconfigure $listener -sockname] {
            lappend result [list $address $port]
        }
        return $result
    }

    method port {} {
        lindex [fconfigure $listener -sockname] 2
    }

    # The callback of the listening socket.

    method accept {sock host port} {
        set limit [dict get $settings -maxconnections]
        set full [expr {[dict size $clients] >= $limit}]
        if {[dict size $clients] >= 2 * $limit} {
            # Too many for even telling them so.
            close $sock
            return
        }
        try {
            set client [httpd::Connection new [self] $settings $sock $host]
        } on error {message} {
            my report $message
            close $sock
            return
        }
        dict set clients $client ""
        coroutine ::httpd::talk[incr ::httpd::lastCoroutine] \
            ::httpd::Talk $client $full
    }

    method connections {} {
        dict size $clients
    }

    # A client of HTTP/1.0 need not say whom it asks; browsers do.

    method answersTo {fields} {
        expr {![dict exists $fields host]
            || [httpd::IsKnownHost [dict get $fields host] $hosts]}
    }

    method forget {client} {
        dict unset clients $client
    }

    method sweep {} {
        foreach client [dict keys $clients] {
            $client expire
        }
        if {$log ne "" && [catch {flush $log} message]} {
            my EndLog $message
        }
    }

    # An error that should not be. It must not trouble other clients.

    method report {text} {
        catch {puts stderr "httpd: $text"}
    }

    # A log that cannot be written does not keep the server from serving.

    method log {host request status length} {
        if {$log eq ""} {
            return
        }
        try {
            puts $log "$host - - $::httpd::logDate\
                \"[httpd::Escape $request]\" $status $length"
        } on error {message} {
            my EndLog $message
        }
    }

    method EndLog {message} {
        if {$message ne ""} {
            my report "no more log: $message"
        }
        if {$log ni {"" stdout}} {
            catch {close $log}
        }
        set log ""
    }

    # lookup --
    #
    #	Finds the file for a path.
    #
    # Results:
    #	An entry, a dictionary: "status" is what to answer. If that is 200,
    #	"file", "size" and "mtime" tell about the file, "date" and "tag" are
    #	what makes requests conditional, "fields" are the lines of the answer
    #	that go with the file, "body" is the contents if the file is small.
    #
    #	The file system is asked about a path no more than once per second.

    method lookup {path} {
        if {[dict exists $cache $path]} {
            set entry [dict get $cache $path]
            if {[dict get $entry checked] == $::httpd::now} {
                return $entry
            }
            if {[my IsCurrent $entry]} {
                dict set cache $path checked $::httpd::now
                return $entry
            }
            my Forget $path
        }
        set entry [my Load $path]
        if {[dict get $entry status] == 200} {
            my Remember $path $entry
        }
        return $entry
    }

    method IsCurrent {entry} {
        # A second change within a second would not show in the file's time.
        if {[dict get $entry loaded] - [dict get $entry mtime] < 2} {
            return 0
        }
        expr {![catch {file stat [dict get $entry file] stat}]
            && $stat(mtime) == [dict get $entry mtime]
            && $stat(size) == [dict get $entry size]}
    }

    method Remember {path entry} {
        if {[my Cost $path $entry] > [dict get $settings -cache]} {
            return
        }
        dict set cache $path $entry
        incr cacheSize [my Cost $path $entry]
        while {$cacheSize > [dict get $settings -cache]} {
            dict for {oldest -} $cache break
            my Forget $oldest
        }
    }

    method Forget {path} {
        incr cacheSize -[my Cost $path [dict get $cache $path]]
        dict unset cache $path
    }

    method Cost {path entry} {
        set body [expr {[dict exists $entry body] ? [dict get $entry size] : 0}]
        expr {1500 + [string length $path] + $body}
    }

    # Load --
    #
    #	Makes the entry for a path.

    method Load {path} {
        set file [my Locate $path]
        if {$file eq "" || [catch {file stat $file stat}]
                || ![dict get $settings -links]
                && ![httpd::IsInside $file $realRoot]} {
            return {status 404}
        }
        if {$stat(type) eq "directory"} {
            return [dict create status \
                [expr {[string match */ $path] ? 404 : 301}]]
        }
        if {$stat(type) ne "file"} {
            return {status 403}
        }
        if {$stat(size) <= $::httpd::smallFile} {
            try {
                set chan [open $file rb]
                set body [read $chan]
                # It may have changed since; what was read counts.
                set stat(size) [string length $body]
            } trap {POSIX EACCES} {} {
                return {status 403}
            } on error {} {
                return {status 500}
            } finally {
                if {[info exists chan]} {
                    close $chan
                }
            }
        }
        my Describe $file stat body
    }

    # Locate --
    #
    #	Gives the name of the file for a path, or an empty string for a path
    #	that must not get to the file system.

    method Locate {path} {
        set file [dict get $settings -root]
        set parts [lrange [split $path /] 1 end]
        if {[lindex $parts end] eq ""} {
            set parts [lreplace $parts end end [dict get $settings -index]]
        }
        foreach part $parts {
            set name [httpd::DecodeName $part]
            if {$name eq ""} {
                return ""
            }
            # Not "file join", for which "C:" and "~" begin anew.
            append file / $name
        }
        return $file
    }

    method Describe {file statName bodyName} {
        upvar 1 $statName stat $bodyName body
        set type application/octet-stream
        set extension [string tolower [file extension $file]]
        if {[dict exists $::httpd::types $extension]} {
            set type [dict get $::httpd::types $extension]
        }
        set date [httpd::FormatDate $stat(mtime)]
        set tag [format {"%llx-%llx"} $stat(mtime) $stat(size)]
        set fields "Content-Type: $type\r\nLast-Modified: $date\r\n"
        append fields "ETag: $tag\r\nAccept-Ranges: bytes\r\n"
        set entry [dict create status 200 file $file size $stat(size) \
            mtime $stat(mtime) date $date tag $tag fields $fields \
            checked $::httpd::now loaded $::httpd::now]
        if {[info exists body]} {
            dict set entry body $body
        }
        return $entry
    }
}

#
# A connection: one client's conversation.
#

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
    #		What the constructor was given.
    # coroutine	The command that resumes the conversation.
    # deadline	The second at which Wait gives up.
    # buffer	What was received and not used yet.
    # line	The line of the request under way, for the log.
    # isHead	Whether that is a HEAD: the answer has no body.
    # minor	Its version, HTTP/1.minor.
    # persists	Whether another request may follow.
    # answered	Whether the head of an answer was sent.
    # isNew	Whether no request has come yet.
    # inTurn	How many answers were made since the last wait.
    # isLeaving	Whether all that is left is to be sent what is written.
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
    #	The conversation, from the first byte to the last. To be run in a
    #	coroutine. Does not fail.

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
                # What it has asked for before is still sent.
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
            # The server ends, or the client is gone.
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
    #	Sets what is known of a request before it is read.

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
    #	Lets other connections go on until something happens on this one. All
    #	waiting is here, and so is all that can end it: the deadline, and the
    #	end of the server.
    #
    # Results:
    #	What wake was given.

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
        # The clock stands still between ticks: add the second it may lack.
        set deadline [expr {$::httpd::now + $seconds + 1}]
    }

    # Pause --
    #
    #	Lets the others have their turn before the next answer. A client that
    #	sends many requests must also take the answers some time.

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
    #	Whether there is one. Its head, without the empty line, goes to the
    #	named variable of the caller.

    method ReadHead {headName} {
        upvar 1 $headName head
        my Begin -
        my Allow [dict get $settings [expr {$isNew ? "-first" : "-idle"}]]
        set limit [dict get $settings -maxrequest]
        set begun 0
        while 1 {
            # Empty lines before a request do not count.
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
                # Whoever leaves within a request does not want an answer.
                set buffer ""
                return 0
            } elseif {$buffer eq ""} {
                my AwaitInput 0
            } elseif {[regexp {^[^\r!-~]|[^\r]\n} $buffer]} {
                # This can no longer become a request: no need to wait.
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
    #	inRequest	Whether the client is within a request, so that it
    #			should be told when its time is up.

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
    #	Reads what a GET brings along, which means nothing.

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
    # Answering.
    #

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
    #	The range that a request asks for, as ParseRange gives it.

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
    #	fields		Lines that are particular to this answer.
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
    #	Sends an answer that only says its status.

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
    #	Answers a request that ends the conversation.

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
            my SendHead $status $fields $length
            set body [dict get $entry body]
            if {$length != [dict get $entry size]} {
                set last [expr {$offset + $length - 1}]
                set body [string range $body $offset $last]
            }
            puts -nonewline $sock $body
        } else {
            # Before the head goes: this may fail.
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
        # The driver sends it, if it can; that does not move the position.
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
                # The client is gone, or the file has become shorter.
                throw {HTTPD GONE} $failure
            }
            incr length -$copied
            incr offset $copied
        }
        fileevent $sock readable [list $coroutine readable]
    }

    # Flush --
    #
    #	Sends what is written, and waits until it has left.

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

    #
    # The end.
    #

    # Unsent --
    #
    #	How many bytes neither Tcl nor, where that can be told, the driver has
    #	sent yet.

    method Unsent {} {
        # It is -1 behind a half-close.
        set bytes [expr {max(0, [chan pending output $sock])}]
        catch {
            incr bytes [dict get [fconfigure $sock -stats] sendBuffered]
        }
        return $bytes
    }

    # Leave --
    #
    #	Ends a connection on which everything was said. As long as the driver
    #	still has something to send the client counts, and has its time.

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
    #	Ends a connection that is out of time. What the client has not taken
    #	would stay in memory for as long as it likes, if the driver could only
    #	close.

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
    #	at once would reset it, and the client might lose the answer.

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

#
# The program.
#

# httpd::Main --
#
#	Serves as the command line says.

proc httpd::Main {arguments} {
    variable defaults
    try {
        set options {}
        foreach {option value} $arguments {
            if {$option eq "-stdin"} {
                if {$value ne "quit"} {
                    error "bad value \"$value\" for -stdin: should be quit"
                }
                EndWithInput
            } else {
                lappend options $option $value
            }
        }
        set server [start {*}$options]
    } on error {message} {
        puts stderr "httpd: $message"
        puts stderr "usage: httpd.tcl -root DIR ?-option value ...?;\
            options: [join [dict keys $defaults]] -stdin"
        exit 2
    }
    foreach address [$server addresses] {
        puts "listening on [join $address]"
    }
    flush stdout
    vwait forever
}

# httpd::EndWithInput --
#
#	Ends the process at the end of standard input.

proc httpd::EndWithInput {} {
    fconfigure stdin -blocking 0
    fileevent stdin readable {
        read stdin
        if {[eof stdin]} {
            exit 0
        }
    }
}

if {[info exists argv0]
        && [file normalize $argv0] eq [file normalize [info script]]} {
    httpd::Main $argv
}
