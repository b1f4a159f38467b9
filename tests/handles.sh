#!/bin/sh
# handles.sh 86|90 --
#
#       handles.tcl on a system with few handles: its own Wine server may open
#       only a few files. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

prlimit --nofile=600 "$run" "$here/run.tcl" handles.tcl
