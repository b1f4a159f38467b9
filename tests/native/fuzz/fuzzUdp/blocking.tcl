3set s [udp -myaddr 127.0.0.1]
set p [fconfigure $s -myport]
set c [udp -reuseaddr 1 -myaddr 127.0.0.1 127.0.0.1 $p]
blocking puts $c abc
blocking read $s
blocking recv $c
blocking wait $s
fconfigure $s -remote {localhost 9}
blocking sendto $s [data 100]
fconfigure $c -error
