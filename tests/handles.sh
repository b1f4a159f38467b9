#!/bin/sh
# handles.sh 86|90 --
#
#       handles.tcl where the system has few handles to give: with a Wine server
#       of its own, which may open few files. Exit status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/iocpsock
export IOCPSOCK_ANNOUNCE=0

work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
trap 'WINEPREFIX=$work wineserver -k; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A prefix is its registry; the files may be shared.
from=$(readlink -f "$cache/wine")
cp -a "$from/dosdevices" "$from"/*.reg "$from/.update-timestamp" "$work"
ln -s "$from/drive_c" "$work/drive_c"
export IOCPSOCK_PREFIX="$work"

ulimit -n 600 || exit 1
"$here/../tools/tclsh$version" "$here/run.tcl" handles.tcl
