# nginx.tcl --
#
#	Tcl's http package, over the driver as ::socket, against nginx.
#	nginx.sh runs it, and gives the port and folder of nginx in the
#	environment.

namespace import ::tcltest::*
package require http

namespace eval web {
    variable got
    lassign $::env(IOCPSOCK_NGINX) port folder
    variable large 12000000
}

support::install
http::config -pipeline 1

# Makes a file with bytes of a stream.

proc web::makeFile {name size id} {
    variable folder
    set out [open [file join $folder files $name] wb]
    for {set offset 0} {$offset < $size} {incr offset 1000000} {
	puts -nonewline $out [support::pattern $offset \
	    [expr {min(1000000, $size - $offset)}] $id]
    }
    close $out
}

web::makeFile large $web::large 0
for {set i 0} {$i < 50} {incr i} {
    web::makeFile small$i [expr {100000 + $i}] $i
}

# Returns whether the data are all bytes of the stream. A wrong byte is an error
# with its position.

proc web::isWhole {data size {id 0}} {
    support::streamCheck [support::streamNew $id] $data
    return [expr {[string length $data] == $size}]
}

proc web::isWholeFile {path size {id 0}} {
    set in [open $path rb]
    try {
	return [isWhole [read $in] $size $id]
    } finally {
	close $in
    }
}

proc web::upload {name} {
    variable folder
    return [file join $folder upload $name]
}

proc web::url {path} {
    variable port
    return http://127.0.0.1:$port/$path
}

proc web::get {path args} {
    return [http::geturl [url $path] -binary 1 -timeout 30000 {*}$args]
}

# Returns the status, the code, and fields of an answer.

proc web::answer {token args} {
    set result [list [http::status $token] [http::ncode $token]]
    foreach name $args {
	lappend result [field $token $name]
    }
    return $result
}

proc web::field {token wanted} {
    foreach {name value} [http::meta $token] {
	if {[string equal -nocase $name $wanted]} {
	    return $value
	}
    }
    return
}

# Returns the driver's bytes since the last call.

proc web::moved {key} {
    variable last
    if {[support::isCore]} {
	return 0
    }
    set now [dict get [iocpsock::stats] $key]
    set moved [expr {$now - $last($key)}]
    set last($key) $now
    return $moved
}

proc web::movedAtLeast {key count} {
    return [expr {[support::isCore] || [moved $key] >= $count}]
}

array set web::last {bytesIn 0 bytesOut 0}

# ----------------------------------------------------------------------
# 1: one request

test nginx-1.1 {a large body arrives} -setup {
    web::moved bytesIn
} -body {
    set token [web::get large]
    list [web::answer $token Content-Length Transfer-Encoding] \
	[web::isWhole [http::data $token] $::web::large] \
	[web::movedAtLeast bytesIn $::web::large]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 200 12000000 {}} 1 1}

test nginx-1.2 {a large body arrives in a file by -channel} -setup {
    set path [makeFile {} got]
    set out [open $path wb]
} -body {
    set token [web::get large -channel $out -blocksize 100000]
    close $out
    list [web::answer $token] [web::isWholeFile $path $::web::large]
} -cleanup {
    catch {http::cleanup $token}
    catch {close $out}
    removeFile got
} -result {{ok 200} 1}

test nginx-1.3 {a large body arrives at a -handler} -setup {
    proc web::handle {stream chan token} {
	support::mustBeOurs $chan
	return [support::streamCheck $stream [read $chan 50000]]
    }
} -body {
    set stream [support::streamNew]
    set token [web::get large -handler [list ::web::handle $stream]]
    list [web::answer $token] [support::streamCount $stream]
} -cleanup {
    catch {http::cleanup $token}
    rename web::handle {}
} -result {{ok 200} 12000000}

test nginx-1.4 {a large body arrives in chunks} -body {
    set token [web::get chunked/large]
    list [web::answer $token Content-Length Transfer-Encoding] \
	[web::isWhole [http::data $token] $::web::large]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 200 {} chunked} 1}

test nginx-1.5 {a large body arrives in chunks and compressed} -body {
    set token [web::get gzip/large]
    list [web::answer $token Transfer-Encoding Content-Encoding] \
	[web::isWhole [http::data $token] $::web::large]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 200 chunked gzip} 1}

test nginx-1.6 {HEAD gives no body} -body {
    set token [web::get large -validate 1]
    list [web::answer $token Content-Length] [http::data $token]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 200 12000000} {}}

test nginx-1.7 {an error of the server is reported} -body {
    set token [web::get missing]
    list [web::answer $token] [string match *404* [http::data $token]]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 404} 1}

test nginx-1.8 {a refused connection is an error, also in the background} \
-setup {
    set url http://127.0.0.1:[support::refusedPort]/
    unset -nocomplain ::web::got
} -body {
    set failed [catch {http::geturl $url -timeout 30000} result]
    if {!$failed} {
	set result [http::error $result]
    }
    set token [http::geturl $url -command {set ::web::got}]
    support::wait ::web::got
    list [string match "*connection refused*" $result] \
	[http::status $token] \
	[string match "*connection refused*" [http::error $token]]
} -cleanup {
    catch {http::cleanup $token}
} -result {1 error 1}

test nginx-1.9 {a part of a body arrives} -body {
    set token [web::get large -headers {Range bytes=7000000-9999999}]
    list [web::answer $token Content-Length] \
	[string equal [http::data $token] [support::pattern 7000000 3000000]]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 206 3000000} 1}

# An answer is given up half-way, then another request is made.

test nginx-1.10 {a request works after one that timed out} -body {
    set token [web::get slow/small1 -timeout 300]
    set next [web::get small1]
    list [http::status $token] [web::answer $next] \
	[web::isWhole [http::data $next] 100001 1]
} -cleanup {
    catch {http::cleanup $token}
    catch {http::cleanup $next}
} -result {timeout {ok 200} 1}

test nginx-1.11 {a request works after one that was reset} -setup {
    unset -nocomplain ::web::got
} -body {
    set token [web::get slow/small1 -command {set ::web::got} \
	-progress {apply {{token total current} {http::reset $token}}}]
    support::wait ::web::got
    set next [web::get small1]
    list [http::status $token] \
	[expr {[string length [http::data $token]] < 100001}] \
	[web::answer $next] [web::isWhole [http::data $next] 100001 1]
} -cleanup {
    catch {http::cleanup $token}
    catch {http::cleanup $next}
} -result {reset 1 {ok 200} 1}

# ----------------------------------------------------------------------
# 2: several

test nginx-2.1 {requests follow one another on one connection} -body {
    set seen {}
    foreach path {
	small0 chunked/small1 gzip/small2 large missing small3 last/small4
    } {
	set token [web::get $path -keepalive 1]
	if {$path ni {missing large}} {
	    set id [string index $path end]
	    lappend seen [web::isWhole [http::data $token] 10000$id $id]
	} elseif {$path eq "large"} {
	    lappend seen [web::isWhole [http::data $token] $::web::large]
	}
	lappend connections [web::field $token X-Connection]
	lappend requests [web::field $token X-Request]
	http::cleanup $token
    }
    # In an error nginx omits the configured fields.
    list $seen [llength [lsort -unique $connections]] $requests
} -cleanup {
    unset -nocomplain seen connections requests
} -result {{1 1 1 1 1 1} 2 {1 2 3 4 {} 6 7}}

test nginx-2.2 {pipelined requests are answered in order} -setup {
    set ::web::got {}
    set tokens {}
} -body {
    # nginx is busy with the first request when the others arrive.
    foreach path [list paced/large {*}[lmap i [lrepeat 30 x] {
	string cat small [incr n]
    }] last/small0] {
	lappend tokens [web::get $path -keepalive 1 \
	    -command {lappend ::web::got}]
    }
    support::wait ::web::got {[llength $::web::got] == 32}
    set wrong {}
    set id 0
    foreach token $::web::got {
	set size [expr {$id == 0 ? $::web::large : 100000 + $id % 31}]
	if {[web::answer $token] ne {ok 200} || ![web::isWhole \
		[http::data $token] $size [expr {$id % 31}]]} {
	    lappend wrong $id
	}
	lappend connections [web::field $token X-Connection]
	lappend requests [web::field $token X-Request]
	lappend pipelined [web::field $token X-Pipelined]
	incr id
    }
    list $wrong [expr {$::web::got eq $tokens}] \
	[llength [lsort -unique $connections]] \
	[lindex $requests 0] [lindex $requests end] [expr {"p" in $pipelined}]
} -cleanup {
    foreach token $tokens {
	http::cleanup $token
    }
    unset -nocomplain n tokens connections requests pipelined
} -result {{} 1 1 1 32 1}

test nginx-2.3 {50 connections work at once} -setup {
    set ::web::got {}
} -body {
    for {set i 0} {$i < 50} {incr i} {
	set tokens($i) [web::get small$i -command {lappend ::web::got}]
    }
    support::wait ::web::got {[llength $::web::got] == 50}
    set wrong {}
    foreach {i token} [array get tokens] {
	if {[web::answer $token] ne {ok 200} || ![web::isWhole \
		[http::data $token] [expr {100000 + $i}] $i]} {
	    lappend wrong $i
	}
	lappend connections [web::field $token X-Connection]
	http::cleanup $token
    }
    list $wrong [llength [lsort -unique $connections]]
} -cleanup {
    unset -nocomplain tokens connections
} -result {{} 50}

# ----------------------------------------------------------------------
# 3: uploads

test nginx-3.1 {POST sends a large body} -setup {
    web::moved bytesOut
} -body {
    set token [web::get post/one -query [support::pattern 0 5000000 1] \
	-type application/octet-stream]
    list [web::answer $token] [web::isWholeFile [web::upload one] 5000000 1] \
	[web::movedAtLeast bytesOut 5000000]
} -cleanup {
    catch {http::cleanup $token}
} -result {{ok 201} 1 1}

foreach {n blocking} {2 0 3 1} {
    test nginx-3.$n "PUT sends from a channel, blocking $blocking" \
    -setup {
	set in [open [file join $::web::folder files large] rb]
	unset -nocomplain ::web::got
    } -body {
	set token [web::get upload/put$blocking -method PUT \
	    -querychannel $in -queryblocksize 30000 \
	    -type application/octet-stream {*}[expr {$blocking ? {} :
		{-command {set ::web::got}}}]]
	if {!$blocking} {
	    support::wait ::web::got
	}
	list [web::answer $token] \
	    [web::isWholeFile [web::upload put$blocking] $::web::large]
    } -cleanup {
	http::cleanup $token
	close $in
    } -result {{ok 201} 1}
}

test nginx-3.4 {20 uploads at once come back unchanged} -setup {
    set ::web::got {}
} -body {
    for {set i 0} {$i < 20} {incr i} {
	lappend tokens [web::get post/many$i -type application/octet-stream \
	    -query [support::pattern 0 200000 $i] \
	    -command {lappend ::web::got}]
    }
    support::wait ::web::got {[llength $::web::got] == 20}
    for {set i 0} {$i < 20} {incr i} {
	lappend tokens [web::get upload/many$i -command {lappend ::web::got}]
    }
    support::wait ::web::got {[llength $::web::got] == 40}
    set whole 0
    set i 0
    foreach token [lrange $tokens 20 end] {
	incr whole [web::isWhole [http::data $token] 200000 $i]
	incr i
    }
    list [lsort -unique [lmap token [lrange $tokens 0 19] {
	http::ncode $token
    }]] $whole
} -cleanup {
    foreach token $tokens {
	http::cleanup $token
    }
    unset -nocomplain tokens
} -result {201 20}

support::uninstall
cleanupTests
