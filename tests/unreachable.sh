#!/bin/sh
# unreachable.sh 86|90 --
#
#       unreachable.tcl in a network namespace where nothing can be reached and
#       low ports are refused, with a Wine server of its own in it, as that is
#       what makes the sockets. Exit status: 0 passed, 1 failed, 77 skipped: it
#       takes root.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
run=$here/../tools/tclsh$version
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/iocpsock
export IOCPSOCK_ANNOUNCE=0

if ! unshare -n setpriv --bounding-set -net_bind_service true 2>/dev/null; then
    echo "unreachable.sh: skipped: no private networks here (needs root)"
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
trap 'WINEPREFIX=$work wineserver -k; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A prefix is its registry; the files may be shared.
from=$(readlink -f "$cache/wine")
cp -a "$from/dosdevices" "$from"/*.reg "$from/.update-timestamp" "$work"
ln -s "$from/drive_c" "$work/drive_c"
export IOCPSOCK_PREFIX="$work"

# Addresses that are for documentation only.
cat >"$work/inside" <<'END'
ip link set lo up &&
    ip route add unreachable 198.51.100.0/24 &&
    ip route add prohibit 203.0.113.0/24 || exit 1
exec setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \
    "$1" "$2/run.tcl" unreachable.tcl
END
unshare -n sh "$work/inside" "$run" "$here"
