#!/bin/sh
# desktop.sh 86|90 --
#
#       Without a desktop: in a Wine prefix that has no graphics driver no
#       program can have a window, as in a container or in a service without a
#       desktop on Windows. The core's socket cannot work there, iocpsock's
#       echoes. With the null driver, as in all other tests, the core's has its
#       window and echoes too: so it is this that makes the difference. Exit
#       status: 0 passed, 1 failed.

set -u
unset DISPLAY WAYLAND_DISPLAY
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

# 9.0's driver ends the process.
refusal="::socket: sockets are not available on this system"
[ "$1" != 90 ] || refusal="InitSockets failed"

failed=0
# expect LINE COMMAND: what an echo over this socket command has to say. A
# panic of Tcl begins with a byte order mark.
expect() {
    "$run" "$here/desktop.tcl" "$2" >"$work/log" 2>&1 </dev/null
    if tr -d '\r\357\273\277' <"$work/log" | grep -qxF -- "$1"; then
        echo "$1"
    else
        echo "desktop.sh: FAILED: $2 does not say: $1"
        cat "$work/log"
        failed=1
    fi
}

echo "with the null driver"
expect "::socket: echo hello" ::socket
expect "iocpsock::socket: echo hello" iocpsock::socket

# The registry is a file when its server has ended.
WINEPREFIX=$work wineserver -k
WINEPREFIX=$work wineserver -w
if ! grep -q '^"Graphics"="null"' "$work/user.reg"; then
    echo "desktop.sh: FAILED: the registry has no graphics driver to take out"
    exit 1
fi
sed -i '/^"Graphics"="null"/d' "$work/user.reg"

echo "without a driver"
expect "$refusal" ::socket
expect "iocpsock::socket: echo hello" iocpsock::socket
exit $failed
