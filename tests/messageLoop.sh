#!/bin/sh
# messageLoop.sh 86|90 --
#
#       Sockets of the Windows tclsh while its thread runs a message loop that
#       is not Tcl's, with peers outside Wine, which wake nothing but by what
#       they send: with this driver, and with the core's for comparison. Exit
#       status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
runner=$here/../tools/tclsh$1
# shellcheck source=tests/withBoth
. "$here/withBoth"
withBoth timeout -k 5 100 tclsh "$here/messageLoopNative.tcl" "$runner"
