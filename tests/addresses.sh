#!/bin/sh
# addresses.sh 86|90 --
#
#       Runs socketAddress.test with a localhost that has both 127.0.0.1 and
#       ::1, and with other names that have several addresses. A private mount
#       of /etc/hosts provides them. Exit status: 0 passed, 1 failed, 77 skipped
#       (needs root).

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"

{
    cat /etc/hosts
    echo '127.0.0.1 localhost'
    echo '::1 localhost'
    echo '127.0.0.2 twofold.test'
    echo '127.0.0.3 twofold.test'
    # This address is for documentation only.
    echo '192.0.2.1 ours.test'
    echo '127.0.0.2 ours.test'
} >"$work/hosts"
# Both get the hosts file, the shell and run.tcl as arguments.
# shellcheck disable=SC2016
mounts='mount --bind "$1" /etc/hosts'
# shellcheck disable=SC2016
runs='exec "$2" "$3" socketAddress.test'
if ! unshare -m sh -c "$mounts" sh "$work/hosts" 2>/dev/null; then
    echo "no private mounts here: skipped"
    exit 77
fi

export IOCPSOCK_TEST_TWOFOLD=1
rc=0
unshare -m sh -c "$mounts && $runs" sh "$work/hosts" \
    "$run" "$here/run.tcl" >"$work/log" || rc=$?
cat "$work/log"
if grep -q localhost6 "$work/log"; then
    echo "localhost still has one address"
    rc=1
fi
exit "$rc"
