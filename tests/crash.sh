#!/bin/sh
# crash.sh 86|90 --
#
#       A process that crashes leaves a backtrace with the names of functions in
#       the log. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"

cat >"$work/crash.tcl" <<'END'
package require iocpsocktest
proc script {} {testcrash}
script
puts "still there"
END
# The debugger chooses the exit status, which may be 0.
"$run" "$work/crash.tcl" >"$work/log" 2>&1
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
