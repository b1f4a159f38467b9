0set s [udp -myaddr 127.0.0.1 -command {lappend got}]
set p [lindex [fconfigure $s -sockname] 1]
set c [udp 127.0.0.1 $p]
puts -nonewline $c hello
flush $c
sendto $c [data 1000]
sendto $s x 127.0.0.1 [lindex [fconfigure $c -sockname] 1]
recv $c -max 1
read $c
fconfigure $c -stats
fconfigure $s -peer
iocpsock::stats
