#!/bin/sh
# messageLoop.sh 86|90 --
#
#       Sockets of the Windows tclsh while its thread runs a message loop that
#       is not Tcl's, with peers outside Wine, which wake nothing but by what
#       they send. Exit status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
exec tclsh "$here/messageLoopNative.tcl" "$here/../tools/tclsh$1"
