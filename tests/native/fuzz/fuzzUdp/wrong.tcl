2catch {udp -command}
catch {udp nowhere domain}
catch {udp -family inet ::1 1}
catch {udp 10.0.0.1}
set s [udp]
catch {sendto $s x nowhere 1}
catch {sendto $s x 127.0.0.1 65536}
catch {sendto stdin x}
catch {puts $s x; flush $s}
catch {recv $s -max 0}
catch {fconfigure $s -hops 256}
catch {fconfigure $s -ttl 0}
catch {fconfigure $s -mcastif 10.0.0.1x}
catch {fconfigure $s -remote {a b c}}
catch {chan close $s write}
set t [socket -server {lappend a} 0]
catch {recv $t}
