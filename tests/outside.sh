#!/bin/sh
# outside.sh 86|90 --
#
#       Clients outside Wine (outside.tcl, in Debian's tclsh) of the programs
#       among the examples and of the live view, which run on iocpsock in the
#       Windows tclsh. Exit status: 0 passed, 1 failed, 77 skipped.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
runner=$here/../tools/tclsh$version
[ $# -eq 0 ] || shift

if ! command -v tclsh >/dev/null 2>&1; then
    echo "outside.sh: skipped: no tclsh on this machine (apt-get install tcl)"
    exit 77
fi
if ! [ -x "$runner" ]; then
    echo "outside.sh: there is no tools/tclsh$version" >&2
    exit 1
fi
export IOCPSOCK_ANNOUNCE=0
exec timeout -k 5 110 tclsh "$here/outside.tcl" "$runner" "$@"
