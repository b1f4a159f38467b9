# httpdRequest.tcl --
#
#	The parts of the web server httpd.tcl that need no connection: they
#	parse requests, names, dates and ranges, and check them.

namespace eval httpd {
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

    # The syntax of names of methods and fields.
    variable token {^[0-9A-Za-z!#$%&'*+.^_`|~-]+$}

    # Methods of HTTP that files do not support: status 405, not 501.
    variable otherMethods {CONNECT DELETE OPTIONS PATCH POST PUT TRACE}

    # The results of ParseFields for the last texts, at most 64.
    variable parsedFields {}

    variable onWindows [expr {$::tcl_platform(platform) eq "windows"}]
}

# httpd::Refuse --
#
#	Ends a conversation with the given status.

proc httpd::Refuse {status} {
    variable reasons
    throw [list HTTPD REFUSE $status] [dict get $reasons $status]
}

# httpd::ParseHead --
#
#	Parses a request's head.
#
# Arguments:
#	head		The request line and the fields, without the empty line
#			that ends them.
#
# Results:
#	A list: the method; the path and the query, not decoded; the minor
#	version of HTTP/1; and a dictionary from names of fields, in lower case,
#	to values. The values of a repeated field are joined with commas.

proc httpd::ParseHead {head} {
    set end [string first \r\n $head]
    if {$end < 0} {
        set end [string length $head]
    }
    set request [ParseRequestLine [string range $head 0 $end-1]]
    set fields [ParseFields [string range $head $end end]]
    if {![dict exists $fields host] && [lindex $request 3] > 0} {
        Refuse 400
    }
    lappend request $fields
}

# httpd::ParseFields --
#
#	Parses the fields of a head, each with the line end before it. Clients
#	repeat their fields in most requests, so that the last results are kept.

proc httpd::ParseFields {text} {
    variable token
    variable parsedFields
    if {[dict exists $parsedFields $text]} {
        return [dict get $parsedFields $text]
    }
    # Only whole lines of text: no lone CR or LF, no NUL.
    if {![regexp {^(?:[\t -~\u0080-\u00ff]|\r\n)*$} $text]} {
        Refuse 400
    }
    set fields {}
    foreach line [lrange [split [string map {\r\n \n} $text] \n] 1 end] {
        # Check the colon: a 32-bit Tcl 9.0.4 takes the index -1-1 for the end.
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
    if {[dict exists $fields host]
            && [regexp {[ ,/]} [dict get $fields host]]} {
        Refuse 400
    }
    if {[dict size $parsedFields] >= 64} {
        set parsedFields {}
    }
    dict set parsedFields $text $fields
    return $fields
}

# httpd::ParseRequestLine --
#
#	Parses a request line. The result is the first four elements of the
#	result of ParseHead.

proc httpd::ParseRequestLine {line} {
    variable token
    set parts [split $line " "]
    lassign $parts method target version
    # Regular expressions with captures would cost more than all the rest.
    if {[llength $parts] != 3 || ![regexp $token $method]
            || ![regexp {^[\t!-~\u0080-\u00ff]*$} $target]
            || ![string match {HTTP/[0-9].[0-9]} $version]} {
        Refuse 400
    }
    if {![string match HTTP/1.* $version]} {
        Refuse 505
    }
    if {[string index $target 0] ne "/"} {
        if {$method in {CONNECT OPTIONS}} {
            # The target of these may be a host and port, or "*".
            return [list $method $target "" [string index $version end]]
        }
        # Any other request may give the full address, as for a proxy.
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
#	Tells whether a field that is a list of words contains the given word.

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
            # Request smuggling: two statements of where the request ends.
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
#	Decodes one part of a path, the text between two slashes.
#
# Results:
#	The name of a file or folder. It is empty if the name must not reach the
#	file system.

proc httpd::DecodeName {part} {
    variable onWindows
    if {[regexp {%(?![[:xdigit:]]{2})} $part]} {
        Refuse 400
    }
    set bytes [subst -nocommands -novariables \
        [string map {\\ \\\\ % \\u00} $part]]
    # Tcl 9.0 reports bytes that are not UTF-8. In 8.6, encoding the result
    # again must give the same bytes; the regexp rejects surrogates (ED A0 80
    # to ED BF BF), which 8.6 accepts in both directions.
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
#	Tells whether a name on Windows means the file with exactly this name.
#	It is not a device, a stream, a drive, a wildcard or the short form of
#	another name (GIT~1), and has no dot or space at its end (Windows would
#	drop it).

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
#	whether the file is then in a folder, given by its real name. Tcl does
#	not resolve all kinds of links that Windows has. A link that remains may
#	lead anywhere, so the file does not count as inside.

proc httpd::RealName {file} {
    # "file normalize" does not resolve the last part: append another one.
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
#	KnownHosts returns the host names that a server with the given options
#	accepts, in lower case. IsKnownHost tells whether the value of a Host
#	field is acceptable: one of these names, localhost or an address, which
#	no DNS can redirect.

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
#	Convert seconds to a date of HTTP, and back. ParseDate also accepts the
#	two obsolete formats, and returns -1 if the text is not a date.

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
#	Parses a Range field for a file of the given size.
#
# Results:
#	The offset and the length, as a list. The list is empty if the field is
#	to be ignored: it is malformed, or has several ranges (the whole file is
#	a correct answer to these). The length is 0 if the range contains no
#	byte of the file.

proc httpd::ParseRange {range size} {
    if {![regexp -nocase {^bytes=(\d{0,18})-(\d{0,18})$} $range -> from to]
            || "$from$to" eq ""} {
        return {}
    }
    # Read them as decimal: 010 is ten here, and eight in an expression.
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
#	Tells whether a conditional request shows that the client already has
#	the current file.

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
#	Makes a client's text safe for a line of the log: it cannot end the line
#	or the field, and has only characters that every encoding has.

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
