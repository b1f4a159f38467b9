#!/bin/sh
# flood.sh 86|90 --
#
#       Windows and timers of wish while peers outside Wine send as fast as
#       they can. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

tclsh "$tests/tk/floodNative.tcl" "$run"
