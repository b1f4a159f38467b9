#!/bin/sh
# demo.sh 86|90 --
#
#       How `make demo` judges its measurements: it fails for errors and for
#       nothing served, never for the speed. Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"
failed=0

# judge WHAT EXPECTED: gives the rounds in $work/rounds, lines of "DRIVER
# REQUESTS ERRORS", to tools/demo-table, and expects so many failures.
judge() {
    while read -r driver requests errors; do
        for connections in 1 10; do
            echo "$version $driver $connections $requests 1000000 $errors 9 9"
        done
    done <"$work/rounds" >"$work/results"
    "$root/tools/demo-table" "$work/results" >"$work/table" 2>&1 ||
        failed=1
    bad=$(grep -c '^FAILED' "$work/table")
    lines=$(wc -l <"$work/table")
    if [ "$bad" -ne "$2" ] || [ "$lines" -ne $((5 + $2)) ]; then
        echo "demo.sh: FAILED: $1"
        cat "$work/table"
        failed=1
    fi
}

printf '%s\n' 'core 100 0' 'iocpsock 900 0' 'core 100 0' 'iocpsock 800 0' \
    >"$work/rounds"
judge 'eight times as fast' 0
printf '%s\n' 'core 100 0' 'iocpsock 375 0' >"$work/rounds"
judge 'less than four times as fast' 0
printf '%s\n' 'core 100 0' 'iocpsock 50 0' >"$work/rounds"
judge 'slower' 0
printf '%s\n' 'core 100 3' 'iocpsock 900 0' >"$work/rounds"
judge "errors of Tcl's own driver" 0
printf '%s\n' 'core 100 0' 'iocpsock 900 1' >"$work/rounds"
judge 'an error' 2
printf '%s\n' 'core 100 0' 'iocpsock 0 0' >"$work/rounds"
judge 'nothing was served' 2
exit $failed
