#!/bin/sh
# mouse.sh 86|90 --
#
#       Sockets of wish while its window is dragged or a menu of its bar is
#       open, by the mouse, with peers outside Wine. Exit status: 0 passed,
#       1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

tclsh "$tests/tk/mouseNative.tcl" "$run"
