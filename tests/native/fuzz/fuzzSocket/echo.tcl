0set s [socket -server {lappend a} -myaddr 127.0.0.1 0]
set p [lindex [fconfigure $s -sockname] 2]
set c [socket 127.0.0.1 $p]
fconfigure $c -blocking 0 -buffersize 100 -sendcap 3 -recvmode burst-detection
puts $c hello
flush $c
read $c 10
fconfigure $c -stats
iocpsock::stats
close $c write
fconfigure $c -peername
