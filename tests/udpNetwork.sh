#!/bin/sh
# udpNetwork.sh 86|90 ?tcltest options? --
#
#       udpNetwork.tcl in a network namespace with two links to a peer in
#       another one. Exit status: 0 passed, 1 failed, 77 skipped (needs root).

set -u
if ! unshare -n true 2>/dev/null; then
    echo "udpNetwork.sh: skipped: no private networks here (needs root)"
    exit 77
fi
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"
[ $# -eq 0 ] || shift

# The addresses are for documentation only. Those of IPv6 are usable at once, as
# nobody is asked whether he has them already.
cat >"$work/address" <<'END'
begin() {
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    ip link set lo up
}
# address LINK IPV4 IPV6
address() {
    ip link set "$1" up && ip addr add "$2/25" brd + dev "$1" &&
        ip addr add "$3/64" dev "$1" nodad
}
END

# The peer waits for its ends of the links, and ends with its standard input.
cat >"$work/peer" <<'END'
. "$2/address"
begin
echo $$ >"$2/pid"
read -r _ && address peer1 192.0.2.2 2001:db8:1::2 &&
    address peer2 192.0.2.130 2001:db8:2::2 &&
    exec perl "$1/udpNetworkPeer.pl" >"$2/port"
END

cat >"$work/inside" <<'END'
run=$1 here=$2 work=$3
shift 3
. "$work/address"
begin
. "$here/linkedPeer"
startPeer
for i in 1 2; do
    ip link add link$i type veth peer name peer$i netns "$peerPid" ||
        exit 1
done
address link1 192.0.2.1 2001:db8:1::1 &&
    address link2 192.0.2.129 2001:db8:2::1 &&
    ip route add default via 192.0.2.2 || exit 1
readyPeer
# The first link was made first.
indexes=$(ip -o link | sed -n "s|^\([0-9]*\): link.*|\1|p" | sort -n)
IOCPSOCK_PEER="$(cat "$work/port") $(echo $indexes)" \
    "$run" "$here/run.tcl" udpNetwork.tcl "$@"
END
unshare -n sh "$work/inside" "$run" "$here" "$work" "$@"
