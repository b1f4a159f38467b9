#!/bin/sh
# sendpeer.sh 86|90 --
#
#       sendpeer.tcl with its peer, sendPeer.pl, outside of Wine. Exit status:
#       0 passed, 1 failed.
set -eu

version=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX")
mkfifo "$folder/input" "$folder/ports"
perl "$here/sendPeer.pl" <"$folder/input" >"$folder/ports" &
# The peer ends with its input.
exec 3>"$folder/input"
trap 'exec 3>&-; wait; rm -rf "$folder"' EXIT
read -r ports <"$folder/ports"
IOCPSOCK_PEER=$ports "$here/../tools/tclsh$version" "$here/run.tcl" \
    sendpeer.tcl 3>&- </dev/null
