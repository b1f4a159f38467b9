#!/bin/sh
# survival.sh 86|90 ?tcltest options? --
#
#       survival.tcl in the Windows tclsh, with clients outside Wine (peer.c)
#       and a Wine server of its own, which needs as many open files as it can
#       get. tools/soak sets IOCPSOCK_SURVIVAL=long; the default is short. Exit
#       status: 0 passed, 1 failed, 77 skipped.

set -u
peer=$(dirname "$0")/../build/native-gcc/peer
if ! [ -x "$peer" ]; then
    echo "survival.sh: skipped: no build/native-gcc/peer (make native)"
    exit 77
fi
# shellcheck disable=SC3045 # Debian's sh can
ulimit -n "$(ulimit -H -n)" && filesMax=$(ulimit -n)
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"
[ $# -eq 0 ] || shift

peerPid=
serverPid=
atEnd() {
    # The clients end with their input.
    exec 9>&-
    [ -z "$peerPid" ] || wait "$peerPid"
    if [ -n "$serverPid" ]; then
        WINEPREFIX=$work wineserver -k 2>/dev/null
        wait "$serverPid"
    fi
}

# waitFor COMMAND...: tries it every 0.1 s until it succeeds, up to 20 s.
waitFor() {
    tries=200
    until "$@"; do
        if [ $tries -eq 0 ]; then
            echo "survival.sh: FAILED: waited in vain for: $*"
            exit 1
        fi
        sleep 0.1
        tries=$((tries - 1))
    done
}

mkfifo "$work/in"
exec 9<>"$work/in"
"$peer" serve <"$work/in" >"$work/out" 9>&- &
peerPid=$!
waitFor grep -q '^listening port=.' "$work/out"

# It lives some seconds longer than each process, so that the next one finds it.
WINEPREFIX=$work WINEDEBUG=-all wineserver -f -p5 9>&- &
serverPid=$!
# Asked before it has written its folder, a second server would start.
waitFor test -s "$work/wineserver"
waitFor env WINEPREFIX="$work" wineserver -k0

# The port of the clients, the process id of Wine's server, the number of files
# that a process may open. testRun adds the process id of tclsh.
IOCPSOCK_PEER=$(sed -n 's/^listening port=//p' "$work/out")
export IOCPSOCK_PEER="$IOCPSOCK_PEER $serverPid $filesMax"
export IOCPSOCK_SURVIVAL="${IOCPSOCK_SURVIVAL:-short}"

# testRun TCLTEST-OPTIONS...: in a process of its own.
testRun() {
    # shellcheck disable=SC2016 # the inner shell's
    sh -c 'IOCPSOCK_PEER="$IOCPSOCK_PEER $$" exec "$@"' - \
        "$run" "$here/run.tcl" survival.tcl "$@" </dev/null 9>&- || failed=1
}

failed=0
if [ $# -gt 0 ]; then
    testRun "$@"
else
    # A process reuses memory that it has had. Only a new one shows how much a
    # case needs.
    for cases in '[a-e]' f g h; do
        testRun -match "survival-$cases.*"
    done
fi
exit $failed
