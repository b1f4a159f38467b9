#!/bin/sh
# unreachable.sh 86|90 --
#
#       unreachable.tcl in a network namespace without routes, where low ports
#       are refused. peerUnreachable.sh has peers that become unreachable later.
#       Exit status: 0 passed, 1 failed, 77 skipped (needs root).

set -u
if ! unshare -n setpriv --bounding-set -net_bind_service true 2>/dev/null; then
    echo "unreachable.sh: skipped: no private networks here (needs root)"
    exit 77
fi
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

# The addresses are for documentation only.
cat >"$work/inside" <<'END'
ip link set lo up &&
    ip route add unreachable 198.51.100.0/24 &&
    ip route add prohibit 203.0.113.0/24 || exit 1
exec setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \
    "$1" "$2/run.tcl" unreachable.tcl
END
unshare -n sh "$work/inside" "$run" "$here"
