#!/bin/sh
# fairness.sh 86|90 --
#
#       One peer keeps a slow handler of the Windows tclsh busy. Another peer
#       and timers have their turns all the same, after at most a few runs of
#       that handler. The peers are outside Wine. Exit status: 0 passed, 1
#       failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
exec timeout -k 5 110 tclsh "$here/fairnessNative.tcl" "$here/../tools/tclsh$1"
