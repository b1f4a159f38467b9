#!/bin/sh
# addresses.sh 86|90: socketAddress.test with a localhost that has both
# 127.0.0.1 and ::1, and with other names that have several addresses. A private
# mount of /etc/hosts provides them for this run alone. It needs root; without
# root the run is skipped.
set -eu

version=$1
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX")
trap 'rm -rf "$folder"' EXIT

{
    cat /etc/hosts
    echo '127.0.0.1 localhost'
    echo '::1 localhost'
    echo '127.0.0.2 twofold.test'
    echo '127.0.0.3 twofold.test'
    # The first one is for documentation only.
    echo '192.0.2.1 ours.test'
    echo '127.0.0.2 ours.test'
} >"$folder/hosts"
# Arguments of these: the hosts file, the shell, run.tcl.
# shellcheck disable=SC2016
mounts='mount --bind "$1" /etc/hosts'
# shellcheck disable=SC2016
runs='exec "$2" "$3" socketAddress.test'
if ! unshare -m sh -c "$mounts" sh "$folder/hosts" 2>/dev/null; then
    echo "no private mounts here: skipped"
    exit 77
fi

export IOCPSOCK_TEST_TWOFOLD=1
rc=0
unshare -m sh -c "$mounts && $runs" sh "$folder/hosts" \
    "$root/tools/tclsh$version" "$root/tests/run.tcl" >"$folder/log" || rc=$?
cat "$folder/log"
if grep -q localhost6 "$folder/log"; then
    echo "localhost still has one address"
    rc=1
fi
exit "$rc"
