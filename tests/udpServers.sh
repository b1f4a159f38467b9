#!/bin/sh
# udpServers.sh 86|90 ?tcltest options? --
#
#       udpServers.tcl, which runs tcllib's clients over iocpsock::udp against a
#       DNS server (dnsmasq) and a time server (chrony) of its own. Both serve
#       127.0.0.1 only, as child processes, and chrony leaves the clock alone.
#       Exit status: 0 passed, 1 failed, 77 skipped.

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"
[ $# -eq 0 ] || shift

# tools/setup installs the one, and unpacks the other.
dnsmasq=/usr/sbin/dnsmasq
chrony=${XDG_CACHE_HOME:-${HOME-}/.cache}/iocpsock/chrony/usr/sbin/chronyd
for program in "$dnsmasq" "$chrony"; do
    if [ ! -x "$program" ]; then
        echo "udpServers.sh: skipped: no $program (run tools/setup)"
        exit 77
    fi
done
servers=""
server=""
atEnd() {
    for server in $servers $server; do
        kill -TERM "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
}

cat >"$work/dnsmasq.conf" <<END
port=PORT
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
local=/test/
user=$(id -un)
host-record=www.test,192.0.2.1,2001:db8::1
address=/many.test/192.0.2.7
address=/many.test/192.0.2.8
cname=alias.test,www.test
mx-host=test,mail.test,10
txt-record=text.test,"two strings",second
srv-host=_ldap._tcp.test,www.test,389,1,2
ptr-record=1.2.0.192.in-addr.arpa,www.test
END
# These addresses tell which name was asked for.
for i in $(seq 1 50); do
    echo "host-record=n$i.test,192.0.2.$((i + 100))"
done >>"$work/dnsmasq.conf"
# Longer than the 512 bytes that a datagram of DNS may have.
printf 'txt-record=long.test,%0200d,%0200d,%0200d\n' 1 2 3 \
    >>"$work/dnsmasq.conf"
cat >"$work/chrony.conf" <<END
port PORT
bindaddress 127.0.0.1
bindcmdaddress /
cmdport 0
allow 127.0.0.1
local stratum 1
pidfile $work/chrony.pid
END

# A port that is free for both protocols, as a DNS server needs.
freePort() {
    perl -MIO::Socket::INET -e '
        for (1 .. 100) {
            my @at = (LocalAddr => "127.0.0.1");
            my $udp = IO::Socket::INET->new(@at, Proto => "udp") or next;
            my $tcp = IO::Socket::INET->new(@at, Listen => 1,
                LocalPort => $udp->sockport) or next;
            print $udp->sockport;
            exit;
        }
        exit 1'
}

# answers PORT QUERY: sends a datagram, whose bytes are in hexadecimal digits.
# True if the answer comes within 0.3 s.
answers() {
    perl -MIO::Socket::INET -e '
        my $socket = IO::Socket::INET->new(Proto => "udp",
            PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or exit 1;
        send $socket, pack("H*", $ARGV[1]), 0;
        vec(my $wanted = "", fileno($socket), 1) = 1;
        select($wanted, undef, undef, 0.3) or exit 1;
        exit !defined recv $socket, my $bytes, 1000, 0' "$1" "$2"
}

# serve NAME QUERY COMMAND...: starts a server on a port that was free, and sets
# port. Neither server can let the system choose. If another process takes the
# port before the server does, the server ends, and gets another port.
serve() {
    name=$1 query=$2
    shift 2
    for start in 1 2 3 4 5; do
        port=$(freePort) || break
        sed "s/PORT/$port/" "$work/$name.conf" >"$work/$name.now"
        "$@" >"$work/$name.log" 2>&1 &
        server=$!
        tries=50
        while [ $tries -gt 0 ] && kill -0 "$server" 2>/dev/null; do
            if answers "$port" "$query"; then
                servers="$servers $server"
                server=""
                return
            fi
            sleep 0.05
            tries=$((tries - 1))
        done
        kill -TERM "$server" 2>/dev/null
        wait "$server" 2>/dev/null
        server=""
        echo "udpServers.sh: start $start of $name failed"
    done
    cat "$work/$name.log"
    echo "udpServers.sh: FAILED: $name does not start"
    exit 1
}

# A question for an address of www.test.
question=00010100000100000000000003777777047465737400
serve dnsmasq "${question}00010001" "$dnsmasq" --keep-in-foreground \
    --conf-file="$work/dnsmasq.now" --pid-file= --log-facility=-
dns=$port
# A request of NTP's version 4.
serve chrony "23$(printf '%094d' 0)" "$chrony" -d -x -U -u "$(id -un)" \
    -f "$work/chrony.now"

failed=0
IOCPSOCK_PEER="$dns $port" "$run" "$here/run.tcl" udpServers.tcl "$@" ||
    failed=1
for server in $servers; do
    kill -0 "$server" 2>/dev/null && continue
    echo "udpServers.sh: FAILED: a server ended by itself"
    failed=1
done
[ $failed -eq 0 ] || cat "$work"/*.log
exit $failed
