#!/bin/sh
# handles.sh 86|90 --
#
#       handles.tcl where the system has few handles to give: with a Wine server
#       of its own, which may open few files. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/ownWine
. "$(dirname "$0")/ownWine"

prlimit --nofile=600 "$run" "$here/run.tcl" handles.tcl
