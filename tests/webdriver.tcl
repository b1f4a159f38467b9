# webdriver.tcl --
#
#	Controls Chromium on this machine by the WebDriver protocol. The event
#	loop runs while it waits for answers. tests/browser.tcl and
#	tests/siteBrowser.tcl use it, in this machine's own tclsh.

package require Tcl 8.6
package require http
package require json
package require json::write

namespace eval webdriver {
    variable limitMs 30000
    variable failures 0
    variable driver ""
    variable session ""
}

# webdriver::check --
#
#	Prints the result of a check, and counts a failure.

proc webdriver::check {what good {detail ""}} {
    variable failures
    if {$good} {
        puts "ok      $what"
    } else {
        incr failures
        puts "FAILED  $what: $detail"
    }
}

#
# The WebDriver protocol.
#

# webdriver::call --
#
#	Calls the driver.
#
# Arguments:
#	method		GET, POST or DELETE.
#	path		What is called, below the session if there is one.
#	body		JSON, for POST.
#
# Results:
#	The value that it returns, or an error with its message.

proc webdriver::call {method path {body "{}"}} {
    variable base
    variable session
    variable limitMs
    set url $base
    if {$session ne ""} {
        append url /session/$session
    }
    set request [list http::geturl $url$path -method $method \
        -timeout [expr {4 * $limitMs}] -type "application/json; charset=utf-8"]
    if {$method eq "POST"} {
        lappend request -query [encoding convertto utf-8 $body]
    }
    set token [{*}$request]
    set status [http::status $token]
    set data [http::data $token]
    http::cleanup $token
    if {$status ne "ok"} {
        error "$method $path: $status"
    }
    set value [dict get [json::json2dict $data] value]
    if {[string match *\"error\":* $data] && [dict exists $value error]} {
        error "$method $path: [dict get $value message]"
    }
    return $value
}

# webdriver::ask, webdriver::await --
#
#	Evaluate an expression in the page; await does so until it is true.

proc webdriver::ask {expression} {
    call POST /execute/sync [json::write object args {[]} \
        script [json::write string "return $expression;"]]
}

proc webdriver::await {expression} {
    variable limitMs
    set script "const done = arguments\[0\]; (function look() {
        if ($expression) { done(true); } else { setTimeout(look, 50); }
    })();"
    if {[catch {
        call POST /execute/async [json::write object args {[]} \
            script [json::write string $script]]
    } message]} {
        error "waited in vain for $expression ($message); the page says:\
            [ask document.body.innerText]"
    }
}

# Chromium's own commands, by their names in its protocol.

proc webdriver::chromium {command args} {
    call POST /goog/cdp/execute [json::write object \
        cmd [json::write string $command] params [json::write object {*}$args]]
}

# webdriver::screenshot --
#
#	Writes a picture of the window to a file.

proc webdriver::screenshot {path} {
    set chan [open $path wb]
    puts -nonewline $chan [binary decode base64 [call GET /screenshot]]
    close $chan
}

# webdriver::show --
#
#	Sets the size of the window, whether it is a phone's, and the colour
#	scheme (light or dark).

proc webdriver::show {width height scale mobile scheme} {
    chromium Emulation.setDeviceMetricsOverride width $width height $height \
        deviceScaleFactor $scale mobile $mobile
    chromium Emulation.setEmulatedMedia features [json::write array \
        [json::write object name [json::write string prefers-color-scheme] \
            value [json::write string $scheme]]]
}

# webdriver::visit, webdriver::console --
#
#	visit shows the page of an address. console returns what pages have
#	written to the browser's console since the last call; this includes
#	errors of scripts and files that do not load.

proc webdriver::visit {address} {
    call POST /url [json::write object url [json::write string $address]]
}

proc webdriver::console {} {
    call POST /se/log {{"type":"browser"}}
}

#
# The programs.
#

# webdriver::line --
#
#	Returns the first line from a program that matches, within the time.

proc webdriver::line {pipe pattern} {
    variable limitMs
    variable out
    fconfigure $pipe -blocking 0 -buffering line
    set out($pipe) ""
    set guard [after $limitMs [list set webdriver::out($pipe) timeout]]
    fileevent $pipe readable [list webdriver::More $pipe $pattern]
    vwait webdriver::out($pipe)
    while {$out($pipe) eq ""} {
        vwait webdriver::out($pipe)
    }
    after cancel $guard
    fileevent $pipe readable {}
    if {$out($pipe) in {timeout eof}} {
        error "a program says nothing like \"$pattern\": $out($pipe)"
    }
    return $out($pipe)
}

proc webdriver::More {pipe pattern} {
    variable out
    while {[gets $pipe line] >= 0} {
        set line [string trimright $line \r]
        if {[regexp $pattern $line]} {
            set out($pipe) $line
            return
        }
    }
    if {[eof $pipe]} {
        set out($pipe) eof
    }
}

# webdriver::startDriver, webdriver::stopDriver --
#
#	Start and stop the browser.

proc webdriver::startDriver {} {
    variable driver
    variable base
    variable session
    variable limitMs
    set driver [open {|chromedriver --port=0 2>@1} r]
    regexp {on port (\d+)\.} [line $driver {on port \d+\.}] -> port
    set base http://127.0.0.1:$port
    set arguments {--headless=new --disable-gpu --disable-dev-shm-usage
        --hide-scrollbars --no-first-run}
    # Chromium's sandbox does not work for root.
    if {[exec id -u] == 0} {
        lappend arguments --no-sandbox
    }
    set arguments [json::write array {*}[lmap a $arguments {
        json::write string $a
    }]]
    set wanted [json::write object \
        goog:chromeOptions [json::write object args $arguments] \
        goog:loggingPrefs {{"browser":"ALL"}} \
        timeouts [json::write object script $limitMs]]
    set answer [call POST /session [json::write object \
        capabilities [json::write object alwaysMatch $wanted]]]
    set session [dict get $answer sessionId]
}

proc webdriver::stopDriver {} {
    variable session
    variable driver
    if {$session ne ""} {
        catch {call DELETE ""}
    }
    if {$driver ne ""} {
        catch {exec kill {*}[pid $driver]}
        catch {close $driver}
    }
}

# webdriver::result --
#
#	Prints whether all checks were good, and ends the program.

proc webdriver::result {} {
    variable failures
    puts [expr {$failures ? "FAILED: $failures" : "PASSED"}]
    exit [expr {$failures > 0}]
}
