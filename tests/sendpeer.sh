#!/bin/sh
# sendpeer.sh 86|90 ?tcltest options? --
#
#       sendpeer.tcl in the Windows tclsh, with a receiver outside Wine
#       (sendPeer.pl). Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/withPeer
. "$(dirname "$0")/withPeer"
withPeer sendPeer.pl sendpeer.tcl "$@"
