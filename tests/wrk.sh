#!/bin/sh
# wrk.sh 86|90 --
#
#       wrk against the web server over iocpsock in the Windows tclsh: under
#       load no connection fails and no answer is wrong. Exit status: 0
#       passed, 1 failed, 77 skipped.

set -u
# shellcheck source=tests/httpdServe
. "$(dirname "$0")/httpdServe"

needs wrk awk
serve -idle 30

# Requests, errors of each kind; and the same with eight requests at once.
cat >"$work/report.lua" <<'END'
function done(summary)
    local e = summary.errors
    io.write(string.format(
        "RESULT %d requests, errors: %d connect, %d read, %d write, " ..
        "%d status, %d timeout\n", summary.requests,
        e.connect, e.read, e.write, e.status, e.timeout))
end
END
cat "$work/report.lua" - >"$work/pipeline.lua" <<'END'
function init()
    local one = wrk.format()
    eight = string.rep(one, 8)
end
function request()
    return eight
end
END

# load PATH CONNECTIONS SCRIPT ?SECONDS?
load() {
    result=$(wrk -t1 -c"$2" -d"${4-2}s" --timeout 10s \
        -s "$work/$3.lua" "$url/$1" |
        sed -n 's/^RESULT //p')
    echo "$name: $1, $2 connections, $3: $result"
    case $result in
        "" | "0 requests"*) fail "$1, $2 connections, $3: nothing was served" ;;
        *"errors: 0 connect, 0 read, 0 write, 0 status, 0 timeout") ;;
        *) fail "$1, $2 connections, $3: errors" ;;
    esac
}

load index.html 10 report
load index.html 50 report
load 64k.bin 10 report
load 5m.bin 4 report 8
load index.html 50 pipeline
load 64k.bin 4 pipeline

finish
