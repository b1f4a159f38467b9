# siteBrowser.tcl --
#
#	The site of the manual in Chromium: opens each page as a phone and as a
#	desktop shows it. `make doc-check` runs this in the machine's own
#	tclsh:
#
#	    tclsh siteBrowser.tcl FOLDER PICTURES
#
#	FOLDER has the site, PICTURES gets a picture of each page. The script
#	first shows that its checks can fail: it makes a page with each fault.
#	Exits with 0 if everything is right, otherwise with 1.

source [file join [file dirname [info script]] webdriver.tcl]

namespace eval site {
    namespace path ::webdriver
    # The width of the window, and whether it is a phone's.
    variable screens {phone 390 true desktop 1280 false}
    # A picture of a long page shows its beginning.
    variable longest 16000
}

# What is wrong with a page: a list of checks. Each is a name and an expression
# for the browser, which must be empty. WIDTH is the width of the window.

set site::checks {
    "the page is as wide as the window" {
        (() => {
            const root = document.documentElement;
            return root.clientWidth === WIDTH ? "" : root.clientWidth;
        })()
    }
    "no scrolling sideways" {
        (() => {
            const wide = document.documentElement.scrollWidth;
            return wide <= WIDTH ? "" : wide;
        })()
    }
    "only boxes for it scroll" {
        [...document.querySelectorAll("body *")]
            .filter(e => e.scrollWidth > e.clientWidth + 1 &&
                !["inline", "none"].includes(getComputedStyle(e).display) &&
                !e.closest("pre, .wide, svg"))
            .map(e => e.outerHTML.slice(0, 80)).join("; ")
    }
    "every box fits into the window" {
        [...document.querySelectorAll("pre, .wide, img")]
            .filter(e => !e.parentElement.closest("pre, .wide"))
            .filter(e => e.getBoundingClientRect().right > WIDTH)
            .map(e => e.outerHTML.slice(0, 80)).join("; ")
    }
    "no picture is missing" {
        [...document.images].filter(i => !i.complete || i.naturalWidth === 0)
            .map(i => i.src).join("; ")
    }
    "the style is there" {
        [...document.styleSheets].some(s => s.href.endsWith("/site.css")) &&
            getComputedStyle(document.body).margin === "0px" ? "" : "none"
    }
}

proc site::address {path} {
    set coded {}
    foreach part [file split [file normalize $path]] {
        if {$part ne "/"} {
            set part [string range [http::formatQuery x $part] 2 end]
            append coded / [string map {+ %20} $part]
        }
    }
    return file://$coded
}

# Opens a page, and returns the checks that fail, with details.

proc site::faults {path width mobile} {
    variable checks
    show $width 900 1 $mobile light
    visit [address $path]
    set faults {}
    dict for {name expression} $checks {
        set detail [ask "([string trim [string map \
            [list WIDTH $width] $expression]]).toString()"]
        if {$detail ne ""} {
            dict set faults $name $detail
        }
    }
    set messages [console]
    if {$messages ne ""} {
        dict set faults "nothing in the browser's console" $messages
    }
    return $faults
}

# Writes a picture of the page that is open.

proc site::picture {path width mobile scheme} {
    variable longest
    show $width 900 1 $mobile $scheme
    set height [ask {document.documentElement.scrollHeight}]
    show $width [expr {min($height, $longest)}] 1 $mobile $scheme
    screenshot $path
}

proc site::checkPages {folder pictures} {
    variable screens
    set names [lsort [glob -directory $folder -tails *.html]]
    foreach name $names {
        foreach {screen width mobile} $screens {
            set faults [faults [file join $folder $name] $width $mobile]
            check "$name, $screen" [expr {$faults eq ""}] $faults
            set file [file join $pictures [file rootname $name]-$screen]
            picture $file.png $width $mobile light
        }
        set bar [ask {[...document.querySelectorAll("nav a")]
            .map(a => a.getAttribute("href")).sort().join(" ")}]
        check "$name: the bar has all pages" [expr {$bar eq $names}] $bar
        set current [ask {[...document.querySelectorAll(
            "nav a[aria-current=page]")].map(a => a.getAttribute("href"))
                .join(" ")}]
        check "$name: the bar marks it" [expr {$current eq $name}] $current
    }
    visit [address [file join $folder index.html]]
    foreach {screen width mobile} $screens {
        picture [file join $pictures index-$screen-dark.png] $width $mobile dark
    }
    set colour [ask {getComputedStyle(document.body).backgroundColor}]
    regexp {\d+} $colour red
    check "a dark page for readers who want one" [expr {$red < 60}] $colour
}

# Makes a page with each fault, and checks that it is found.

proc site::checkFaults {folder pictures} {
    set good {<meta name="viewport" content="width=device-width">
        <link rel="stylesheet" href="site.css">}
    set long [string repeat m 200]
    file copy -force [file join $folder site.css] $pictures
    foreach {name head body} [list \
        "the page is as wide as the window" \
            {<link rel="stylesheet" href="site.css">} {} \
        "no scrolling sideways" $good \
            {<div style="width: 2000px">wide</div>} \
        "only boxes for it scroll" $good \
            "<p style=\"overflow: auto; white-space: nowrap\">$long</p>" \
        "every box fits into the window" $good \
            {<pre style="width: 2000px">wide</pre>} \
        "no picture is missing" $good {<img src="missing.png">} \
        "the style is there" {<meta name="viewport" \
            content="width=device-width">} {} \
        "nothing in the browser's console" $good \
            {<script>undefined.x</script>}] {
        set path [file join $pictures fault.html]
        set chan [open $path w]
        puts $chan "<!DOCTYPE html><html><head>$head</head><body>$body"
        close $chan
        set faults [faults $path 390 true]
        check "a page with a fault: $name" [dict exists $faults $name] $faults
        file delete $path
    }
    file delete [file join $pictures site.css]
}

proc site::main {folder pictures} {
    try {
        file mkdir $pictures
        startDriver
        checkFaults $folder $pictures
        checkPages $folder $pictures
    } on error {message details} {
        check "the test itself" 0 [dict get $details -errorinfo]
    } finally {
        stopDriver
    }
    result
}

site::main {*}$argv
