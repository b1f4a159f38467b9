?set s [socket -server {lappend peers} ::1 0]
fconfigure $s -acceptmode data -accepttimeout 9 -backlog 2
set c [socket -myaddr ::1 -myport 5000 ::1 [lindex [fconfigure $s -sockname] 2]]
puts $c x
flush $c
catch {fconfigure $c -recvmode none}
catch {fconfigure $s -backlog 0}
fconfigure $c -error
