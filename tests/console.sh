#!/bin/sh
# console.sh 86|90 --
#
#       The load announcement on a console, which Wine makes of a terminal:
#       script(1) gives one. The suites have none, as their stderr is a file.
#       Exit status: 0 passed, 1 failed, 77 skipped.
set -eu

version=$1
root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v script >/dev/null; then
    echo "console.sh: skipped: no script(1) here"
    exit 77
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cat >"$folder/load.tcl" <<'END'
package require iocpsock
puts stderr "the end"
exit
END

# say VALUE: what the console shows, without its control sequences. Its input
# stays open until it is over.
say() {
    mkfifo "$folder/input"
    TERM=xterm IOCPSOCK_ANNOUNCE=$1 timeout 60 script -qec \
        "'$root/tools/tclsh$version' '$folder/load.tcl'" \
        /dev/null <"$folder/input" >"$folder/raw" 2>&1 3>&- &
    exec 3>"$folder/input"
    wait $!
    exec 3>&-
    rm "$folder/input"
    sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' "$folder/raw"
}

failed=0
check() {
    say "$1" >"$folder/shown"
    if ! grep -q 'the end' "$folder/shown"; then
        echo "console.sh: FAILED: the program does not end"
        failed=1
    elif [ "$(grep -c 'iocpsock.* loaded: Tcl' "$folder/shown")" != "$2" ]; then
        echo "console.sh: FAILED: IOCPSOCK_ANNOUNCE=$1 shows $2 lines not"
        failed=1
    fi
    [ $failed -eq 0 ] || cat "$folder/shown"
}
check '' 1
check 0 0
check 1 1
[ $failed -ne 0 ] || echo "PASSED console.sh"
exit $failed
