9set s [udp -myaddr 127.0.0.1]
set p [fconfigure $s -myport]
set c [udp -async -family inet localhost $p]
sendto $c one
puts -nonewline $c two
flush $c
fconfigure $c -connecting
catch {fconfigure $c -ttl 3}
fileevent $c writable {sendto $c three}
set d [udp -command {close} -myport 5000 localhost $p]
sendto $d [data 1000]
fconfigure $s -remote [list localhost 5000]
sendto $s x
set e [udp -async nowhere 1]
sendto $e x
catch {blocking recv $e}
fconfigure $e -error
blocking puts $c x
