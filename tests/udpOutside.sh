#!/bin/sh
# udpOutside.sh 86|90 ?tcltest options? --
#
#       udpOutside.tcl in the Windows tclsh, with datagram servers outside Wine
#       (udpPeer.pl). Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/withPeer
. "$(dirname "$0")/withPeer"
withPeer udpPeer.pl udpOutside.tcl "$@"
