# siteSource.tcl --
#
#	Reads the sources of the HTML pages: the Markdown files in the top
#	folder and in doc/, and the manual in doc/*.man. Paths are relative to
#	the top folder. tools/sitePages.tcl and tools/check-links use it.
#
#	A text may name another page by its path, also with a section behind
#	it, as in
#
#	    doc/testing.md ("The self-test")
#
#	This counts as a link. GitHub shows it as it is, and the site shows the
#	names of the page and of the section, with links.

package require tdom

namespace eval site {
    # Not in the middle of another path.
    variable mention {(^|[^\w/.*-])(doc/[\w-]+\.md|[A-Z]+\.md)\M}
    append mention {(?:(\s*\(|,\s*)"([^"]+)")?}
    # What Markdown becomes. Other elements are HTML in the text.
    variable elements {
        html head body h1 h2 h3 h4 h5 h6 p a img em strong del code pre br hr
        ul ol li blockquote table thead tbody tr th td
    }
}

proc site::contents {path} {
    set chan [open $path]
    fconfigure $chan -encoding utf-8
    set text [read $chan]
    close $chan
    return $text
}

# site::sources --
#
#	Returns the paths of all pages. The first one is README.md.

proc site::sources {root} {
    set found [lsort [glob -directory $root -tails *.md doc/*.md doc/*.man]]
    return [linsert [lsearch -all -inline -exact -not $found README.md] 0 \
        README.md]
}

# site::allFiles --
#
#	Returns the paths of all files of the project. What it builds, and
#	folders with hidden names, are not part of it.

proc site::allFiles {root {folder ""}} {
    set found {}
    foreach path [glob -nocomplain -directory $root -tails \
            [file join $folder *]] {
        if {[file isdirectory [file join $root $path]]} {
            if {$path ne "build"} {
                lappend found {*}[allFiles $root $path]
            }
        } else {
            lappend found $path
        }
    }
    return $found
}

# site::pageName --
#
#	Returns the name of the HTML page that is made from a source.

proc site::pageName {source} {
    if {$source eq "README.md"} {
        return index.html
    }
    return [string tolower [file rootname [file tail $source]]].html
}

# site::title --
#
#	Returns the title in a Markdown text.

proc site::title {source text} {
    if {![regexp -line {^# (.+)$} $text - title]} {
        error "$source: has no title (a line that begins with \"# \")"
    }
    return [string map {` {}} $title]
}

# site::parse --
#
#	Parses HTML. The caller deletes the document.

proc site::parse {html} {
    dom parse -html5 -ignorexmlns -keepEmpties $html
}

# site::markdown --
#
#	Converts a Markdown text, as GitHub does.
#
# Arguments:
#	source		Its path.
#	text		What to convert.
#	names		A dict from the paths of pages to the names to show.
#
# Results:
#	An HTML document, in which headings have GitHub's anchors, and the
#	pages that the text names are links. Comments are left out. An error if
#	the text has HTML. The caller deletes the document.

proc site::markdown {source text names} {
    variable elements
    set chan [open |[list cmark-gfm --unsafe -e table -e autolink \
        -e strikethrough] r+]
    fconfigure $chan -encoding utf-8
    puts -nonewline $chan $text
    chan close $chan write
    set html [read $chan]
    close $chan
    set document [parse $html]
    foreach node [$document selectNodes {//comment()}] {
        $node delete
    }
    foreach node [$document selectNodes {//*}] {
        if {[$node nodeName] ni $elements} {
            set name [$node nodeName]
            $document delete
            error "$source: has HTML: <$name>"
        }
    }
    anchors $document
    mentions $document $source $names
    return $document
}

# site::anchors --
#
#	Gives each heading the anchor that GitHub gives it: its words in
#	lower case, joined by hyphens. A repeated one gets a number.

proc site::anchors {document} {
    set seen {}
    foreach heading [$document selectNodes {//*[self::h1 or self::h2 or
            self::h3 or self::h4 or self::h5 or self::h6]}] {
        set id [anchor [$heading asText]]
        dict incr seen $id
        set count [expr {[dict get $seen $id] - 1}]
        if {$count} {
            append id -$count
        }
        $heading setAttribute id $id
    }
}

proc site::anchor {text} {
    set text [regsub -all {\s+} [string trim $text] { }]
    return [string map {{ } -} \
        [regsub -all {[^\w\- ]} [string tolower $text] {}]]
}

# site::mentions --
#
#	Makes links of the pages that a document names. Code is left alone.

proc site::mentions {document source names} {
    variable mention
    foreach node [$document selectNodes {//text()[not(ancestor::a or
            ancestor::pre or ancestor::code or ancestor::h1 or
            ancestor::h2 or ancestor::h3)]}] {
        set text [$node nodeValue]
        set parts {}
        set from 0
        foreach {- lead path between section} \
                [regexp -all -inline -indices -- $mention $text] {
            set target [string range $text {*}$path]
            if {$target eq $source} {
                continue
            }
            lappend parts [string range $text $from [lindex $path 0]-1]
            set href [relative $source $target]
            set name $target
            if {[dict exists $names $target]} {
                set name [dict get $names $target]
            }
            lappend parts [list $href $name]
            set from [expr {[lindex $path 1] + 1}]
            if {[lindex $section 0] >= 0} {
                lappend parts [string range $text $from [lindex $section 0]-1]
                set heading [string range $text {*}$section]
                lappend parts [list $href#[anchor $heading] $heading]
                set from [expr {[lindex $section 1] + 1}]
            }
        }
        if {$parts ne ""} {
            lappend parts [string range $text $from end]
            replace $document $node $parts
        }
    }
}

# Replaces a text by parts: a text, a link, a text, and so on.

proc site::replace {document node parts} {
    set parent [$node parentNode]
    foreach {text link} $parts {
        $parent insertBefore [$document createTextNode $text] $node
        if {$link ne ""} {
            lassign $link href name
            set element [$document createElement a]
            $element setAttribute href $href
            $element appendChild [$document createTextNode $name]
            $parent insertBefore $element $node
        }
    }
    $node delete
}

# site::relative, site::absolute --
#
#	The path of a target as a source has to write it, and the other way
#	round. A path that leaves the top folder keeps its "..".

proc site::relative {source target} {
    if {[file dirname $source] eq "."} {
        return $target
    }
    if {[file dirname $source] eq [file dirname $target]} {
        return [file tail $target]
    }
    return ../$target
}

proc site::absolute {source target} {
    set found {}
    foreach part [concat [file split [file dirname $source]] \
            [file split $target]] {
        if {$part eq ".." && $found ni {{} ..}} {
            set found [lrange $found 0 end-1]
        } elseif {$part ne "."} {
            lappend found $part
        }
    }
    return [join $found /]
}

# site::links --
#
#	Returns what a document refers to: a list of kinds (a, img, link or
#	script) and addresses.

proc site::links {document} {
    set found {}
    foreach node [$document selectNodes {//*[@href or @src]}] {
        foreach attribute {href src} {
            if {[$node hasAttribute $attribute]} {
                lappend found [$node nodeName] [$node getAttribute $attribute]
            }
        }
    }
    return $found
}

# site::ids --
#
#	Returns the anchors of a document.

proc site::ids {document} {
    return [lmap node [$document selectNodes {//*[@id]}] {
        $node getAttribute id
    }]
}

# site::isOutside --
#
#	Returns whether an address is not of a file of ours. These addresses
#	are not checked, because that needs a network.

proc site::isOutside {address} {
    return [regexp {^(https?|mailto):} $address]
}

# site::names --
#
#	Returns a dict from the paths of all pages to their names, in the order
#	in which the site lists them. The table in the section "More" of
#	README.md has both; other pages follow it, by their titles.

proc site::names {texts} {
    set titles {}
    dict for {source text} $texts {
        dict set titles $source [expr {[file extension $source] eq ".md" ?
            [title $source $text] : [file rootname [file tail $source]]}]
    }
    set names [dict create README.md Overview]
    set document [markdown README.md [dict get $texts README.md] $titles]
    set table {//h2[@id="more"]/following-sibling::table[1]//a}
    foreach link [$document selectNodes $table] {
        set source [$link getAttribute href]
        if {[dict exists $titles $source]} {
            dict set names $source [$link asText]
        }
    }
    $document delete
    return [dict merge $names [dict filter $titles script {source -} {
        expr {![dict exists $names $source]}
    }]]
}
