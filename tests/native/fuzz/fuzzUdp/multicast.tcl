?set s [udp -reuseport 1 -myport 5000]
fconfigure $s -mcastadd 224.0.0.7 -mcastloop 1 -mcastttl 1 -mcastif 1
fconfigure $s -mcastadd {::ff000007 1} -ttl 3 -broadcast 1
sendto $s hello 224.0.0.7 5000
sendto $s hello ::ff000007 5000
sendto $s hello 255.255.255.255 5000
fconfigure $s -mcastdrop 224.0.0.7
catch {fconfigure $s -mcastdrop 224.0.0.8}
fconfigure $s -mcastgroups
fconfigure $s -command {close}
