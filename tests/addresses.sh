#!/bin/sh
# addresses.sh 86|90: the tests of socket.test about names with several
# addresses, on a machine where localhost has both 127.0.0.1 and ::1. Where it
# has not, a private mount of /etc/hosts makes it so for these tests alone;
# that takes root, and is skipped without.
set -eu

version=$1
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX")
trap 'rm -rf "$folder"' EXIT

{
    cat /etc/hosts
    echo '127.0.0.1 localhost'
    echo '::1 localhost'
} >"$folder/hosts"
# Arguments of these: the hosts file, the shell, run.tcl.
# shellcheck disable=SC2016
mounts='mount --bind "$1" /etc/hosts'
# shellcheck disable=SC2016
runs='exec "$2" "$3" socket.test -match "socket-8.*"'
if ! unshare -m sh -c "$mounts" sh "$folder/hosts" 2>/dev/null; then
    echo "no private mounts here: skipped"
    exit 77
fi

rc=0
unshare -m sh -c "$mounts && $runs" sh "$folder/hosts" \
    "$root/tools/tclsh$version" "$root/tests/run.tcl" >"$folder/log" || rc=$?
cat "$folder/log"
if grep -q localhost6 "$folder/log"; then
    echo "localhost still has one address"
    rc=1
fi
exit "$rc"
