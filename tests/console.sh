#!/bin/sh
# console.sh 86|90 --
#
#       The load announcement on a console. Wine makes one from the terminal of
#       script(1). The suites have none, because their stderr is a file. Exit
#       status: 0 passed, 1 failed, 77 skipped.

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"
if ! command -v script >/dev/null; then
    echo "console.sh: skipped: no script(1) here"
    exit 77
fi
cat >"$work/load.tcl" <<'END'
package require iocpsock
puts stderr "the end"
exit
END

# say VALUE: prints the text on the console, without control sequences. The
# console's input stays open until the end.
say() {
    mkfifo "$work/input"
    TERM=xterm IOCPSOCK_ANNOUNCE=$1 timeout 60 script -qec \
        "'$run' '$work/load.tcl'" \
        /dev/null <"$work/input" >"$work/raw" 2>&1 3>&- &
    exec 3>"$work/input"
    wait $!
    exec 3>&-
    rm "$work/input"
    sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' "$work/raw"
}

failed=0
check() {
    say "$1" >"$work/shown"
    if ! grep -q 'the end' "$work/shown"; then
        echo "console.sh: FAILED: the program does not end"
        failed=1
    elif [ "$(grep -c 'iocpsock.* loaded: Tcl' "$work/shown")" != "$2" ]; then
        echo "console.sh: FAILED: IOCPSOCK_ANNOUNCE=$1 does not show $2 lines"
        failed=1
    fi
    [ $failed -eq 0 ] || cat "$work/shown"
}
check '' 1
check 0 0
check 1 1
[ $failed -ne 0 ] || echo "PASSED console.sh"
exit $failed
