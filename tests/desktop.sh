#!/bin/sh
# desktop.sh 86|90 --
#
#       Sockets without a desktop. In a Wine prefix without a graphics driver no
#       program can have a window, as in a container, or in a Windows service
#       without a desktop. The core's socket cannot work there, but iocpsock's
#       can. With the null driver, which all other tests use, both work: this
#       shows that the missing driver makes the difference. Exit status: 0
#       passed, 1 failed.

set -u
unset DISPLAY WAYLAND_DISPLAY
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

# The core's driver of Tcl 9.0 ends the process.
refusal="::socket: sockets are not available on this system"
[ "$1" != 90 ] || refusal="InitSockets failed"

failed=0
# expect LINE COMMAND: an echo over this socket command must print the line. A
# panic of Tcl begins with a byte order mark.
expect() {
    "$run" "$here/desktop.tcl" "$2" >"$work/log" 2>&1 </dev/null
    if tr -d '\r\357\273\277' <"$work/log" | grep -qxF -- "$1"; then
        echo "$1"
    else
        echo "desktop.sh: FAILED: $2 does not print: $1"
        cat "$work/log"
        failed=1
    fi
}

echo "with the null driver"
expect "::socket: echo hello" ::socket
expect "iocpsock::socket: echo hello" iocpsock::socket

# The registry is in its file when Wine's server has ended.
WINEPREFIX=$work wineserver -k
WINEPREFIX=$work wineserver -w
if ! grep -q '^"Graphics"="null"' "$work/user.reg"; then
    echo "desktop.sh: FAILED: the registry has no graphics driver to remove"
    exit 1
fi
sed -i '/^"Graphics"="null"/d' "$work/user.reg"

echo "without a driver"
expect "$refusal" ::socket
expect "iocpsock::socket: echo hello" iocpsock::socket
exit $failed
