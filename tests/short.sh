#!/bin/sh
# short.sh 86|90 ?tcltest options? --
#
#       short.tcl in the Windows tclsh, with clients outside Wine
#       (shortPeer.pl). Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/withPeer
. "$(dirname "$0")/withPeer"
withPeer shortPeer.pl short.tcl "$@"
