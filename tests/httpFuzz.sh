#!/bin/sh
# httpFuzz.sh 86|90 --
#
#       Malformed requests to the web server over iocpsock in the Windows
#       tclsh: each is refused or left without an answer, the server complains
#       of none and serves on. IOCPSOCK_FUZZ_REQUESTS is how many (1000),
#       IOCPSOCK_FUZZ_SEED what they follow from (1). Exit status: 0 passed, 1
#       failed, 77 skipped.

set -u
# shellcheck source=tests/httpdServe
. "$(dirname "$0")/httpdServe"
count=${IOCPSOCK_FUZZ_REQUESTS:-1000}
seed=${IOCPSOCK_FUZZ_SEED:-1}

needs tclsh curl awk
serve -idle 30 -hosts a -log -

tclsh "$root/tests/httpFuzz.tcl" "${url##*:}" "$count" "$seed" ||
    fail "that request"

# The server's own view. It writes the log now and then, and at its end.
curl -sS --max-time 10 "$url/" | cmp -s - "$work/files/index.html" ||
    fail "the server does not serve on"
stopServer || fail "the server's exit status is $?"
server=
errors=$(tr -d '\r' <"$work/out" | awk '
    !/^listening/ && $(NF-1) !~ /^([1234]..|501|505)$/' | head -n 5)
[ -z "$errors" ] || fail "the log has: $errors"
echo "$name: $(grep -vc '^listening' "$work/out") lines in the log"

finish
