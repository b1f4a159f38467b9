# differentialStream.tcl --
#
#       The bytes that both ends of differentialOutside.tcl send; peerPlay.c
#       makes the same. They are lines of 32 bytes with the letter of their
#       stream and their number, so that lost, repeated or swapped data does
#       not match.

namespace eval stream {
    variable lineBytes 32
    variable periodLines 4096
    variable table
}

# Returns the part of a stream from an offset on.

proc stream::part {letter offset length} {
    variable table
    variable lineBytes
    variable periodLines
    if {![info exists table($letter)]} {
        Make $letter
    }
    set from [expr {$offset % ($lineBytes * $periodLines)}]
    while {$from + $length > [string length $table($letter)]} {
        append table($letter) $table($letter)
    }
    return [string range $table($letter) $from [expr {$from + $length - 1}]]
}

# Returns the end of the last whole line at or before an offset.

proc stream::lineEnd {offset} {
    variable lineBytes
    return [expr {$offset / $lineBytes * $lineBytes}]
}

proc stream::Make {letter} {
    variable table
    variable lineBytes
    variable periodLines
    # The bytes after the head of a line depend on its number modulo 256.
    for {set line 0} {$line < 256} {incr line} {
        set rest {}
        for {set column 6} {$column < $lineBytes - 1} {incr column} {
            set byte [expr {($line * 31 + $column * 7) & 255}]
            append rest [expr {$byte in {10 13 26} ? "x"
                : [format %c $byte]}]
        }
        lappend rests $rest\n
    }
    set all {}
    for {set line 0} {$line < $periodLines} {incr line} {
        append all [format %s%05d $letter $line] \
            [lindex $rests [expr {$line & 255}]]
    }
    set table($letter) $all
}
