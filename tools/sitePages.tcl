# sitePages.tcl --
#
#	Makes the site's HTML pages: one for each source (siteSource.tcl), with
#	a bar of links to the others, and the pictures that they show.
#
#	    tclsh sitePages.tcl VERSION FOLDER
#
#	FOLDER gets the pages. It has those that dtplite made from doc/*.man.
#	The same sources give the same bytes, in every folder and on every day.

set tools [file dirname [file normalize [info script]]]
source [file join $tools siteSource.tcl]

namespace eval pages {
    variable root [file dirname $tools]
    variable names {}
    variable pictures {}
}

proc pages::Put {path text} {
    set chan [open $path w]
    fconfigure $chan -encoding utf-8 -translation lf
    puts $chan $text
    close $chan
}

proc pages::Escape {text} {
    return [string map {& &amp; < &lt; > &gt; \" &quot;} $text]
}

# Returns the document of a page. Its content is in the body.

proc pages::Document {source text folder} {
    variable names
    if {[file extension $source] eq ".md"} {
        return [site::markdown $source $text $names]
    }
    set document [site::parse [site::contents \
        [file join $folder [site::pageName $source]]]]
    Manual $document
    site::mentions $document $source $names
    return $document
}

# pages::Manual --
#
#	Brings what dtplite made into the form of the other pages: a title,
#	headings with anchors of their words, and no table of contents.

proc pages::Manual {document} {
    set name [[$document selectNodes {//div[@id="name"]/p}] asText]
    set title [$document selectNodes {//h1}]
    $title removeAttribute class
    [$title firstChild] nodeValue $name
    foreach node [$document selectNodes \
            {//div[@id="name" or @id="toc"] | //comment()}] {
        $node delete
    }
    foreach heading [$document selectNodes {//h2 | //h3}] {
        set link [$heading selectNodes {a[@name]}]
        set text [$document createTextNode [$link asText]]
        $heading replaceChild $text $link
        set section [$heading parentNode]
        dict set sections #[$section getAttribute id] $heading
        $section removeAttribute id
    }
    site::anchors $document
    # Examples are indented in the source.
    foreach example [$document selectNodes {//pre/text()}] {
        $example nodeValue [regsub -all -line {^    } \
            [$example nodeValue] {}]
    }
    # The synopsis has links to the definitions of the commands.
    foreach link [$document selectNodes {//dt/a[@name]}] {
        $link setAttribute id command-[$link getAttribute name]
        $link removeAttribute name
    }
    foreach link [$document selectNodes {//a[@href]}] {
        set address [$link getAttribute href]
        if {[dict exists $sections $address]} {
            $link setAttribute href \
                #[[dict get $sections $address] getAttribute id]
        } elseif {[regexp {^#(\d+)$} $address - number]} {
            $link setAttribute href #command-$number
        }
    }
}

# pages::Links --
#
#	Makes the links of a source those of its page. A link to a file that
#	the site does not have becomes its text.

proc pages::Links {document source} {
    variable root
    variable names
    variable pictures
    foreach link [$document selectNodes {//a[@href]}] {
        set address [$link getAttribute href]
        if {[site::isOutside $address] || [string match #* $address]} {
            continue
        }
        regexp {^([^#]*)(.*)$} $address - path anchor
        set path [site::absolute $source $path]
        if {[dict exists $names $path]} {
            $link setAttribute href [site::pageName $path]$anchor
        } else {
            foreach child [$link childNodes] {
                [$link parentNode] insertBefore $child $link
            }
            $link delete
        }
    }
    foreach image [$document selectNodes {//img}] {
        set path [site::absolute $source [$image getAttribute src]]
        set name [file tail $path]
        if {[dict exists $pictures $name] &&
                [dict get $pictures $name] ne $path} {
            error "two pictures have the name $name"
        }
        dict set pictures $name $path
        $image setAttribute src $name
        # A small screen shows it small; the link shows it alone. Wide
        # drawings scroll instead, because their text would be too small.
        set link [Wrap $document $image a]
        $link setAttribute href $name
        if {[file extension $path] eq ".svg" && [regexp \
                {viewBox="\S+ \S+ ([\d.]+)} \
                [site::contents [file join $root $path]] - width] &&
                $width > 700} {
            $link setAttribute class "wide drawing"
        }
    }
}

# Puts a new element around a node, and returns it.

proc pages::Wrap {document node name} {
    set element [$document createElement $name]
    [$node parentNode] replaceChild $element $node
    $element appendChild $node
    return $element
}

# pages::Widths --
#
#	Gives each table a box that scrolls, keeps columns of long texts from
#	becoming too narrow there, and keeps short names in one line: a browser
#	may otherwise break "-async" behind its hyphen.

proc pages::Widths {document} {
    foreach table [$document selectNodes {//table}] {
        [Wrap $document $table div] setAttribute class wide
    }
    foreach cell [$document selectNodes {//td[string-length() > 60]}] {
        $cell setAttribute class long
    }
    foreach code [$document selectNodes {//code[string-length() < 25 and
            not(ancestor::pre) and not(contains(., " "))]}] {
        $code setAttribute class word
    }
}

# Puts a list of a long page's sections behind its title.

proc pages::Contents {document} {
    if {[llength [$document selectNodes {//h2}]] < 4} {
        return
    }
    set html {}
    foreach heading [$document selectNodes {//h2 | //h3}] {
        append html "<li class=\"[$heading nodeName]\"><a\
            href=\"#[$heading getAttribute id]\">[Escape \
            [$heading asText]]</a></li>\n"
    }
    set title [$document selectNodes {//h1}]
    set parent [$title parentNode]
    set next [$title nextSibling]
    $parent appendXML "<details class=\"contents\">\
        <summary>On this page</summary>\n<ul>\n$html</ul>\n</details>"
    $parent insertBefore [$parent lastChild] $next
}

# pages::Page --
#
#	Returns a page.
#
# Arguments:
#	source		The path of its source.
#	document	Its content.
#	version		The version of the package.

proc pages::Page {source document version} {
    variable names
    set title [[$document selectNodes {//h1[1]}] asText]
    if {$source ne "README.md"} {
        append title " - iocpsock"
    }
    set bar {}
    dict for {path name} $names {
        set current [expr {$path eq $source ? { aria-current="page"} : ""}]
        append bar "<li><a href=\"[site::pageName $path]\"$current>[Escape \
            $name]</a></li>\n"
    }
    Contents $document
    Widths $document
    set body {}
    foreach node [[$document selectNodes {//body}] childNodes] {
        append body [$node asHTML]
    }
    set title [Escape $title]
    return [string trim [subst -nobackslashes -nocommands {
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="site.css">
</head>
<body>
<header>
<a class="name" href="index.html">iocpsock $version</a>
<nav aria-label="Pages">
<ul>
$bar</ul>
</nav>
</header>
<main>
$body
</main>
</body>
</html>
}]]
}

proc pages::main {version folder} {
    variable root
    variable names
    variable pictures
    foreach source [site::sources $root] {
        dict set texts $source [site::contents [file join $root $source]]
    }
    set names [site::names $texts]
    set made {}
    foreach source [dict keys $names] {
        set name [site::pageName $source]
        if {$name in $made} {
            error "two sources have the page $name"
        }
        lappend made $name
        set document [Document $source [dict get $texts $source] $folder]
        Links $document $source
        Put [file join $folder $name] [Page $source $document $version]
        $document delete
    }
    dict for {name path} $pictures {
        file copy [file join $root $path] [file join $folder $name]
    }
    file copy [file join $root doc site.css] $folder
}

if {[catch {pages::main {*}$argv} message]} {
    puts stderr "make-doc: $message"
    exit 1
}
