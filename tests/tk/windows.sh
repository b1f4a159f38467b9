#!/bin/sh
# windows.sh 86|90 --
#
#       Sockets of wish while a message box, a menu or a file dialog is open or
#       a window is moved, with peers outside Wine: with this driver, and with
#       the core's for comparison. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/tk/display
. "$(dirname "$0")/display"

# shellcheck source=tests/withBoth
. "$tests/withBoth"
withBoth onDisplay 420 "$tests/tk/windowsNative.tcl" "$run"
