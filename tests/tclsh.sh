#!/bin/sh
# tclsh.sh 86|90 --
#
#       Debian's own tclsh outside Wine against iocpsock inside the Windows
#       tclsh, both ways round. Exit status: 0 passed, 1 failed, 77 skipped.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
runner=$here/../tools/tclsh$version

if ! command -v tclsh >/dev/null 2>&1; then
    echo "tclsh.sh: skipped: no tclsh on this machine (apt-get install tcl)"
    exit 77
fi
if ! [ -x "$runner" ]; then
    echo "tclsh.sh: there is no tools/tclsh$version" >&2
    exit 1
fi
exec timeout -k 5 150 tclsh "$here/tclshNative.tcl" "$runner"
