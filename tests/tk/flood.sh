#!/bin/sh
# flood.sh 86|90 --
#
#       Windows and timers of wish while peers outside Wine send as fast as
#       they can: with this driver, and with the core's for comparison. Exit
#       status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

onDisplay 840 "$tests/tk/floodNative.tcl" "$run"
