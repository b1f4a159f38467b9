#!/bin/sh
# linger.sh 86|90 --
#
#       linger.tcl, with a peer of its own outside Wine (lingerPeer.pl). Exit
#       status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
run=$here/../tools/tclsh${1:-86}
[ $# -eq 0 ] || shift
work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
peerPid=
cleanUp() {
    rc=$?
    # The peer ends with its input.
    exec 9>&-
    [ -z "$peerPid" ] || wait "$peerPid"
    rm -rf "$work"
    exit "$rc"
}
trap cleanUp EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkfifo "$work/control"
perl "$here/lingerPeer.pl" <"$work/control" >"$work/port" &
peerPid=$!
exec 9>"$work/control"
tries=100
until [ -s "$work/port" ]; do
    [ $tries -gt 0 ] || { echo "linger.sh: FAILED: no peer"; exit 1; }
    sleep 0.1
    tries=$((tries - 1))
done
IOCPSOCK_PEER=$(cat "$work/port") "$run" "$here/run.tcl" linger.tcl "$@" 9>&-
