#!/bin/sh
# resolve.sh 86|90 --
#
#       resolve.tcl in a network namespace that has a name server of its own,
#       one that is slow when it is told to be. Exit status: 0 passed, 1
#       failed, 77 skipped: it takes root.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
version=${1:-86}
run=$here/../tools/tclsh$version
export IOCPSOCK_ANNOUNCE=0

if ! unshare -mn true 2>/dev/null; then
    echo "resolve.sh: skipped: no private networks here (needs root)"
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX") || exit 1
trap 'exec 8>&- 9>&-; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkfifo "$work/keep" "$work/dns" "$work/ready"

# Wine's server makes the sockets, for all programs there are: it has to have
# been started outside. While one program of the outside lives, it does too.
echo 'puts up; flush stdout; read stdin' >"$work/keep.tcl"
"$run" "$work/keep.tcl" <"$work/keep" >"$work/ready" &
exec 8>"$work/keep"
read -r _ <"$work/ready"

printf 'nameserver 127.0.0.1\noptions timeout:25 attempts:1\n' \
    >"$work/resolv.conf"
# The name server's end is that of its standard input.
cat >"$work/inside" <<'END'
mount --bind "$1/resolv.conf" /etc/resolv.conf && ip link set lo up || exit 1
perl "$2/heldDns.pl" <"$1/dns" >"$1/ready" &
exec 9>"$1/dns"
read -r answer <"$1/ready"
[ "$answer" = ready ] || exit 1
exec "$3" "$2/run.tcl" resolve.tcl
END
unshare -mn sh "$work/inside" "$work" "$here" "$run"
