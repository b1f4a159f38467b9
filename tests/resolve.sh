#!/bin/sh
# resolve.sh 86|90 --
#
#       resolve.tcl and resolveUdp.tcl in a network namespace with a name server
#       of its own, which holds back answers when it is told to. Exit status: 0
#       passed, 1 failed, 77 skipped (needs root).

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"
atEnd() {
    exec 8>&- 9>&-
}

if ! unshare -mn true 2>/dev/null; then
    echo "resolve.sh: skipped: no private networks here (needs root)"
    exit 77
fi
mkfifo "$work/keep" "$work/dns" "$work/ready"

# Wine's server makes the sockets of all programs, so it must start outside. It
# lives as long as this program.
echo 'puts up; flush stdout; read stdin' >"$work/keep.tcl"
"$run" "$work/keep.tcl" <"$work/keep" >"$work/ready" &
exec 8>"$work/keep"
read -r _ <"$work/ready"

printf 'nameserver 127.0.0.1\noptions timeout:25 attempts:1\n' \
    >"$work/resolv.conf"
# The name server ends with its standard input.
cat >"$work/inside" <<'END'
mount --bind "$1/resolv.conf" /etc/resolv.conf && ip link set lo up || exit 1
perl "$2/heldDns.pl" <"$1/dns" >"$1/ready" &
exec 9>"$1/dns"
read -r answer <"$1/ready"
[ "$answer" = ready ] || exit 1
"$3" "$2/run.tcl" resolve.tcl && "$3" "$2/run.tcl" resolveUdp.tcl
END
unshare -mn sh "$work/inside" "$work" "$here" "$run"
