#!/bin/sh
# windows.sh 86|90 --
#
#       Sockets of wish while a message box, a menu or a file dialog is open or
#       a window is moved, with peers outside Wine. Exit status: 0 passed,
#       1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

tclsh "$tests/tk/windowsNative.tcl" "$run"
