#!/bin/sh
# ends.sh 86|90 ?tcltest options? --
#
#       ends.tcl in the Windows tclsh, with peers outside Wine (endsPeer.pl).
#       Exit status: 0 passed, 1 failed.

set -u
# shellcheck source=tests/withPeer
. "$(dirname "$0")/withPeer"
withPeer endsPeer.pl ends.tcl "$@"
