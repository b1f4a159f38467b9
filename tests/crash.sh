#!/bin/sh
# crash.sh 86|90 --
#
#       A process that crashes leaves a backtrace in the log, with the names of
#       functions. Exit status: 0 passed, 1 failed.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cat >"$work/crash.tcl" <<'END'
package require iocpsocktest
proc script {} {testcrash}
script
puts "still there"
END
# The debugger decides on the exit status: it may be 0.
"$here/../tools/tclsh$version" "$work/crash.tcl" >"$work/log" 2>&1
failed=0
expect() {
    if ! "$@"; then
        echo "crash.sh: FAILED: $*"
        failed=1
    fi
}
expect grep -q 'Unhandled exception' "$work/log"
expect grep -q '^Backtrace:' "$work/log"
expect grep -q '^=>0 .* TestCrashObjCmd' "$work/log"
expect [ "$(grep -c 'still there' "$work/log")" -eq 0 ]
[ $failed -eq 0 ] || cat "$work/log"
exit $failed
