#!/bin/sh
# peerUnreachable.sh 86|90 --
#
#       peerUnreachable.tcl in a network namespace that has one link, to a peer
#       in another namespace. Exit status: 0 passed, 1 failed, 77 skipped (needs
#       root).

set -u
if ! unshare -n true 2>/dev/null; then
    echo "peerUnreachable.sh: skipped: no private networks here (needs root)"
    exit 77
fi
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

# The peer waits for its end of the link, and ends with its standard input.
cat >"$work/peer" <<'END'
echo $$ >"$2/pid"
read -r _ && ip link set link2 up && ip addr add 192.0.2.2/24 dev link2 &&
    exec perl "$1/peerUnreachable.pl" >"$2/port"
END

# This side. The system gives up an unreachable peer within seconds instead of
# hours: for idle connections with -keepalive, unacknowledged data, connects.
cat >"$work/inside" <<'END'
run=$1 here=$2 work=$3
. "$here/linkedPeer"
startPeer
ip link set lo up &&
    ip link add link1 type veth peer name link2 netns "$peerPid" &&
    ip link set link1 up && ip addr add 192.0.2.1/24 dev link1 || exit 1
cd /proc/sys/net/ipv4 || exit 1
echo 1 >tcp_keepalive_time
echo 1 >tcp_keepalive_intvl
echo 2 >tcp_keepalive_probes
echo 4 >tcp_retries2
echo 1 >tcp_syn_retries
cd "$work" || exit 1
readyPeer
IOCPSOCK_PEER="192.0.2.2 $(cat "$work/port")" \
    "$run" "$here/run.tcl" peerUnreachable.tcl
END
unshare -n sh "$work/inside" "$run" "$here" "$work"
