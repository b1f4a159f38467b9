#!/bin/sh
# exit.sh 86|90 --
#
#       The end of wish with sockets open and output on its way, with peers
#       outside Wine. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

tclsh "$tests/tk/exitNative.tcl" "$run"
