#!/bin/sh
# short.sh 86|90 ?tcltest options? --
#
#       short.tcl in the Windows tclsh, with peers outside Wine (shortPeer.pl).
#       Exit status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
run=$here/../tools/tclsh${1:-86}
[ $# -eq 0 ] || shift
export IOCPSOCK_ANNOUNCE=0

work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
trap 'exec 9>&-; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The peer's end is that of its standard input.
mkfifo "$work/in" "$work/out"
perl "$here/shortPeer.pl" <"$work/in" >"$work/out" &
exec 9>"$work/in"
read -r port <"$work/out"
export IOCPSOCK_PEER="$port"

"$run" "$here/run.tcl" short.tcl "$@" </dev/null 9>&-
