#!/bin/sh
# exit.sh 86|90 --
#
#       The end of wish with sockets open and output on its way, with peers
#       outside Wine: with this driver, and with the core's for comparison.
#       Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

# shellcheck source=tests/withBoth
. "$tests/withBoth"
withBoth onDisplay 420 "$tests/tk/exitNative.tcl" "$run"
