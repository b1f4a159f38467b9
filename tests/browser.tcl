# browser.tcl --
#
#	The page of iocpsock::monitor in Chromium. A process of the Windows
#	tclsh serves it (browserLoad.tcl), this machine's browser shows it, and
#	this script controls the browser by the WebDriver protocol. The script
#	also has the clients of that process, in the event loop while it waits
#	for answers. Then the browser talks to examples/websocket.tcl. `make
#	browser-test` runs it in this machine's own tclsh.
#
#	    tclsh browser.tcl FOLDER ?-tcl 86|90? ?-points N?
#		?-interval MS?
#
#	It writes screenshots to FOLDER: monitor-dark.png, -light, -phone.
#	Exits with 0 if everything is right, otherwise with 1.

source [file join [file dirname [info script]] webdriver.tcl]

namespace eval browser {
    namespace path ::webdriver
    variable here [file dirname [file normalize [info script]]]
    variable options {-tcl 90 -points 15 -interval 1000}
    variable server ""
    variable clients {}
    variable stalled {}
}

proc browser::startServer {} {
    variable options
    variable server
    set ::env(IOCPSOCK_ANNOUNCE) 0
    set server [windowsTclsh browserLoad.tcl [dict get $options -interval]]
    return [line $server {^\d+ \d+ \d+$}]
}

# The file is in this folder.

proc browser::windowsTclsh {file args} {
    variable here
    variable options
    open [list | [file join $here .. tools tclsh[dict get $options -tcl]] \
        [file normalize [file join $here $file]] {*}$args 2>@stderr] r+
}

#
# The clients.
#

proc browser::connect {port} {
    set chan [socket 127.0.0.1 $port]
    fconfigure $chan -blocking 0 -translation binary -buffersize 65536
    return $chan
}

# browser::startLoad --
#
#	Connects to both servers. The peers of one do not read. The traffic of
#	the others grows and shrinks, and more clients come and go.

proc browser::startLoad {answering flooding} {
    variable clients
    for {set i 0} {$i < 12} {incr i} {
        lappend clients [connect $answering]
    }
    variable stalled
    for {set i 0} {$i < 3} {incr i} {
        lappend stalled [connect $flooding]
    }
    Load $answering 0.0
}

proc browser::Load {port phase} {
    variable clients
    variable load [after 100 \
        [list browser::Load $port [expr {$phase + 0.1}]]]
    set size [expr {int(1500 * (1.5 + sin($phase / 1.9)) + 900 * rand())}]
    foreach chan $clients {
        read $chan
        puts -nonewline $chan [string repeat x $size]
        flush $chan
    }
    if {rand() < 0.5 + 0.3 * sin($phase / 4)} {
        after 1500 [list close [connect $port]]
    }
}

proc browser::stopAll {} {
    variable load
    variable clients
    variable stalled
    catch {after cancel $load}
    variable server
    stopDriver
    foreach chan [concat $clients $stalled] {
        catch {close $chan}
    }
    if {$server ne ""} {
        end $server
    }
}

# Ends one of our programs by its standard input, and waits for it.

proc browser::end {pipe} {
    catch {
        fconfigure $pipe -blocking 1
        close $pipe
    }
}

#
# What the page shows.
#

# Returns the points of the curve with the fewest, and whether all of the given
# curves rise above zero.

set browser::points {Math.min(...[...document.querySelectorAll("[data-line]")]
    .map(path => (path.getAttribute("d") || "").split("L").length))}
set browser::rises {["bytesIn", "bytesOut", "connections", "operations",
    "datagramsIn", "datagramsOut"]
    .every(name => document.querySelector("[data-line=" + name + "]")
        .getAttribute("d").split(/[ML]/).slice(1)
        .some(point => point.split(" ")[1] < 90))}

proc browser::picture {name} {
    variable folder
    screenshot [file join $folder monitor-$name.png]
}

proc browser::checkPage {} {
    variable points
    variable rises
    variable options
    set wanted [dict get $options -points]
    show 1280 1280 1 false dark
    for {set n 10} {$n < $wanted} {incr n 10} {
        await "$points >= $n"
    }
    await "$points >= $wanted"
    check "every curve has $wanted points" 1
    check "traffic, connections and operations show" [ask $rises]
    check "it says that it is live" \
        [expr {[ask document.body.dataset.state] eq "live"}]
    set rows [ask {document.querySelectorAll("#slow tr").length}]
    check "peers that do not read are listed" [expr {$rows >= 3}] $rows
    await {[...document.querySelectorAll("#slow td:last-child")]
        .filter(cell => /^\d+ s$/.test(cell.textContent)).length >= 3}
    check "and for how long" 1
    checkPointer
    checkWidth dark
    picture dark
    set rows [ask {document.querySelectorAll("#udp tr").length}]
    check "UDP channels are listed" [expr {$rows == 3}] $rows
    set dropped [ask {document.querySelector("#udp td:nth-child(4)")
        .textContent}]
    check "with what they have dropped" [expr {$dropped > 0}] $dropped
    show 1280 1280 1 false light
    picture light
    show 390 844 2 true dark
    checkWidth phone
    picture phone
}

# With a pointer on a curve, all numbers must show their values at that time.

proc browser::checkPointer {} {
    ask {(() => {
        const chart = document.querySelector(".chart");
        const box = chart.getBoundingClientRect();
        chart.dispatchEvent(new PointerEvent("pointermove",
            { clientX: box.right - box.width * 5 / 119 }));
    })()}
    set text [ask {document.getElementById("when").textContent}]
    check "a pointer looks back" [regexp {^as it was \d+ s ago$} $text] $text
    ask {document.querySelector(".chart").dispatchEvent(
        new PointerEvent("pointerleave"))}
    set text [ask {document.getElementById("when").textContent}]
    check "and leaves" [expr {$text eq "live"}] $text
}

proc browser::checkWidth {what} {
    set wide [ask {document.documentElement.scrollWidth + " of " +
        document.documentElement.clientWidth}]
    lassign $wide content - window
    check "$what: no scrolling sideways" [expr {$content <= $window}] $wide
    set cut [ask {[...document.querySelectorAll(".figure, h2, .note, td, th")]
        .filter(e => e.scrollWidth > e.parentElement.clientWidth + 1)
        .map(e => e.textContent).join("; ")}]
    check "$what: no text wider than its place" [expr {$cut eq ""}] $cut
}

proc browser::checkConsole {} {
    set messages [console]
    check "nothing in the browser's console" [expr {$messages eq ""}] $messages
}

proc browser::checkEnd {} {
    variable server
    puts $server stop
    line $server {^stopped$}
    await {document.body.dataset.state === "lost"}
    check "it tells when the monitor has ended" 1
    puts $server start
    line $server {^started$}
    await {document.body.dataset.state === "live"}
    check "and goes on when it is back" 1
}

#
# The WebSocket server among the examples.
#

# The server must send back what a page sends: texts and bytes, in order, and
# the code of the close.

set browser::talk {
    const done = arguments[0];
    const socket = new WebSocket("ws://127.0.0.1:PORT/");
    socket.binaryType = "arraybuffer";
    const sent = ["", "gr\u00fc\u00df \u{1f600}", "x".repeat(200000),
        Uint8Array.from({ length: 70000 }, (_, i) => i * 7)];
    const came = [];
    socket.onopen = () => sent.forEach(message => socket.send(message));
    socket.onmessage = event => {
        const wanted = sent[came.length];
        came.push(typeof wanted === "string" ? event.data === wanted :
            new Uint8Array(event.data).every((b, i) => b === wanted[i]) &&
            event.data.byteLength === wanted.length);
        if (came.length === sent.length) {
            socket.close(3007, "enough");
        }
    };
    socket.onclose = event => done(came.join(" ") + ", " + event.code + " " +
        event.wasClean);
}

proc browser::checkWebSocket {} {
    variable talk
    set example [windowsTclsh ../examples/websocket.tcl -port 0 -stdin quit]
    try {
        regexp {\d+$} [line $example {^listening on \S+ \d+$}] port
        # A page of this machine, which may connect to it: the server's own,
        # with a status of 426 and no content.
        visit http://127.0.0.1:$port/
        set answer [call POST /execute/async [json::write object args {[]} \
            script [json::write string [string map [list PORT $port] $talk]]]]
        check "WebSocket messages come back" \
            [expr {$answer eq "true true true true, 3007 true"}] $answer
    } finally {
        end $example
    }
}

proc browser::main {arguments} {
    variable folder
    variable options
    set options [dict merge $options [lassign $arguments folder]]
    try {
        lassign [startServer] port answering flooding
        startLoad $answering $flooding
        startDriver
        visit http://127.0.0.1:$port/
        checkPage
        checkConsole
        checkEnd
        checkWebSocket
    } on error {message details} {
        check "the test itself" 0 [dict get $details -errorinfo]
    } finally {
        stopAll
    }
    result
}

browser::main $argv
