#!/bin/sh
# linger.sh 86|90 ?tcltest options? --
#
#       linger.tcl in the Windows tclsh, with a peer outside Wine
#       (lingerPeer.pl). Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/withPeer
. "$(dirname "$0")/withPeer"
withPeer lingerPeer.pl linger.tcl "$@"
