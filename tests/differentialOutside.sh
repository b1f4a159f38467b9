#!/bin/sh
# differentialOutside.sh 86|90 --
#
#       A part of what `make differential-outside` does at length, with seeds
#       of its own; and that it finds what there is to find. Exit status: 0
#       passed, 1 failed, 77 skipped.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}

if ! command -v tclsh >/dev/null 2>&1; then
    echo "differentialOutside.sh: skipped: no tclsh on this machine"
    exit 77
fi
if ! [ -x "$here/../build/native-gcc/peer" ]; then
    echo "differentialOutside.sh: there is no build/native-gcc/peer" >&2
    exit 1
fi

run() {
    timeout -k 5 110 tclsh "$here/differentialOutside.tcl" "$@" </dev/null 2>&1
}

# found TEXT OPTION VALUE ...: one end is altered, and that is found.
found() {
    text=$1
    shift
    output=$(run "$@")
    status=$?
    if [ $status -eq 1 ] && echo "$output" | grep -q "$text"; then
        echo "found: $text"
        return 0
    fi
    echo "FAILED ($status): no \"$text\" of: $*"
    echo "$output"
    return 1
}

found "^    own$version:.*eof 51, not eof 52$" -tcl "$version" -core 0 \
    -inject drop -replay '{setup dial 0 adaptive {}} {p send 20}
        {t main take 1 block vwait} {p send 32}' || exit 1

# The rest of that needs no Windows.
found "^    linux: main close.*stalled, not ok$" -tcl "" -inject hang -limit 6 \
    -replay '{setup accept 0 adaptive {}} {p send 1}' || exit 1

# What it is about is left.
found '^    -replay {{t main give [^{}]*}}$' -tcl "" -inject answer \
    -count 1 -seed 113 -length 3 || exit 1

run -tcl "$version" -count 200 -seed 1 -workers 6 -seconds 30 -limit 40 \
    -shrink 0 || exit 1
