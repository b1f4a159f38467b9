9set s [udp -myport 0 -family any]
fconfigure $s -queuecount 2 -queuebytes 100 -maxsize 10
set p [fconfigure $s -myport]
set c [udp -family inet6 -command {recv}]
sendto $c [data 65507] ::1 $p
sendto $c abc ::1 $p
sendto $c def ::1 $p
sendto $c x localhost $p
catch {sendto $c [data 65508] ::1 $p}
fileevent $s readable {recv $s}
fileevent $s writable {close $c}
blocking recv $s
