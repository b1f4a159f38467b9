8set s [socket -server {fconfigure} 0]
set c [socket 127.0.0.1 [lindex [fconfigure $s -sockname] 2]]
fconfigure $c -blocking 0 -translation binary -buffersize 65536
puts -nonewline $c [data 100000]
puts -nonewline $c [data 100000]
fcopy $c $c -size 10 -command list
fileevent $c writable {puts -nonewline $c [data 100]; flush $c}
