# httpdServer.tcl --
#
#	The class Server of the web server httpd.tcl: it owns the listening
#	socket, finds the files and keeps small ones in memory.

namespace eval httpd {
    # The number of the last connection's coroutine.
    variable lastCoroutine 0

    # Files up to this size are kept in memory and sent at once. Larger ones
    # are copied from disk in pieces.
    variable smallFile 65536

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
}

oo::class create httpd::Server {
    # settings	The options.
    # realRoot	The folder's name without symbolic links.
    # hosts	The names that clients may use.
    # lastHost	The last Host field that had one of them.
    # listener	The listening socket.
    # log	The channel of the access log, or empty.
    # clients	A dictionary: the keys are the connections.
    # cache	A dictionary from paths, as requests give them, to entries,
    #		the oldest first; see lookup.
    # cacheSize	Approximately how much memory its entries take.
    variable settings realRoot hosts lastHost listener log clients
    variable cache cacheSize

    constructor {options} {
        set settings $options
        set listener ""
        set log ""
        set clients {}
        set cache {}
        set cacheSize 0

        set hosts [httpd::KnownHosts $options]
        set lastHost ""
        set root [file normalize [dict get $settings -root]]
        if {[dict get $settings -root] eq "" || ![file isdirectory $root]} {
            error "no such folder: \"[dict get $settings -root]\""
        }
        # Names are appended with a slash: "/" and "C:/" must not give "//name".
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
        # Accepted sockets inherit these, if the driver has the options. The
        # driver must not try forever to deliver unsent data of a closed socket.
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
            # So many that they do not even get an answer.
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

    # A client of HTTP/1.0 need not send a Host field. Browsers always do.

    method answersTo {fields} {
        if {![dict exists $fields host]} {
            return 1
        }
        set host [dict get $fields host]
        if {$host ne $lastHost || $host eq ""} {
            if {![httpd::IsKnownHost $host $hosts]} {
                return 0
            }
            set lastHost $host
        }
        return 1
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

    # Reports an internal error, which must not affect other clients.

    method report {text} {
        catch {puts stderr "httpd: $text"}
    }

    # If the log cannot be written, the server goes on without it.

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
            my report "the access log ends here: $message"
        }
        if {$log ni {"" stdout}} {
            catch {close $log}
        }
        set log ""
    }

    # lookup --
    #
    #	Finds the file for a path. The file system is asked about a path at
    #	most once per second.
    #
    # Results:
    #	An entry, a dictionary. "status" is the status to answer. If that is
    #	200, "file", "size" and "mtime" describe the file; "date" and "tag"
    #	are compared in conditional requests; "fields" are the header lines of
    #	the answer that describe the file; and "body" is the contents, if the
    #	file is small.

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
        # The file's time does not show a second change within the same second.
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
                # The file may have changed meanwhile: use what was read.
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
    #	Returns the name of the file for a path, or an empty string if the
    #	path must not reach the file system.

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
            # Not "file join": it would start again at "C:" and "~".
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
