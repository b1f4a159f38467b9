1set s [socket -server {lappend ::a} 0]
set c [socket -async localhost [lindex [fconfigure $s -sockname] 2]]
fileevent $c readable {read $c}
fileevent $c writable {puts $c x}
fconfigure $c -connecting
fconfigure $c -keepalive 1 -nodelay 1 -sosndbuf 5000
chan close $c write
gets $c line
eof $c
