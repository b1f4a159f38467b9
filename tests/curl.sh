#!/bin/sh
# curl.sh 86|90 --
#
#       curl against the web server over iocpsock in the Windows tclsh. Exit
#       status: 0 passed, 1 failed, 77 skipped.

set -u
# shellcheck source=tests/httpdServe
. "$(dirname "$0")/httpdServe"

needs curl cmp awk
serve -timeout 5

# get WHAT STATUS CURL-OPTIONS...: fetches into $work/got, with the fields of
# the answer in $work/fields, and checks the status.
get() {
    what=$1 wanted=$2
    shift 2
    rm -f "$work/got"
    status=$(curl -sS --max-time 30 -o "$work/got" -D "$work/fields" \
        -w '%{http_code}' "$@" 2>"$work/curl.err") ||
        fail "$what: $(cat "$work/curl.err")"
    [ "$status" = "$wanted" ] || fail "$what: status $status, not $wanted"
}

# same WHAT FILE: compares what came with a file.
same() {
    cmp "$work/got" "$2" || fail "$1: it differs"
}

# has WHAT FIELD: looks for a field in the answer.
has() {
    tr -d '\r' <"$work/fields" | grep -qix "$2" ||
        fail "$1: no $2 in: $(cat "$work/fields")"
}

# part FROM COUNT FILE: bytes of a file, into $work/part.
part() {
    tail -c "+$(($1 + 1))" "$work/files/$3" | head -c "$2" >"$work/part"
}

files="index.html name%20with%20spaces.txt gr%C3%B6%C3%9Fe.txt empty.txt
    64k.bin 5m.bin sub/index.html"

onDisk() {
    printf '%b' "$work/files/$(echo "$1" | sed 's/%20/ /g
        s/%C3%B6/ö/g; s/%C3%9F/ß/g')"
}

for http in 1.1 1.0; do
    for file in $files; do
        get "$file, HTTP/$http" 200 "--http$http" "$url/$file"
        same "$file, HTTP/$http" "$(onDisk "$file")"
    done
done
get "a folder's page" 200 "$url/sub/"
same "a folder's page" "$work/files/sub/index.html"
get "a folder" 301 "$url/sub"
get "a folder, followed" 200 -L "$url/sub"
same "a folder, followed" "$work/files/sub/index.html"

# One connection for all: curl says how many it made, for each file.
set --
for file in $files missing $files; do
    set -- "$@" -o "$work/got" "$url/$file"
done
connects=$(curl -sS --max-time 30 -w '%{num_connects}\n' "$@" |
    awk '{ n += $1 } END { print n }')
[ "$connects" = 1 ] || fail "keep-alive: $connects connections instead of 1"

get "HEAD" 200 --head "$url/5m.bin"
has "HEAD" "content-length: 5242880"
has "HEAD" "accept-ranges: bytes"

while read -r range from count file; do
    get "range $range" 206 -r "$range" "$url/$file"
    part "$from" "$count" "$file"
    same "range $range" "$work/part"
done <<END
0-0 0 1 64k.bin
100-4999 100 4900 64k.bin
-10 65526 10 64k.bin
1000000-3999999 1000000 3000000 5m.bin
5242879- 5242879 1 5m.bin
END
get "a range beyond the end" 416 -r 70000- "$url/64k.bin"
has "a range beyond the end" "content-range: bytes \*/65536"

# An interrupted download, resumed.
part 0 2000000 5m.bin
cp "$work/part" "$work/resumed"
curl -sS --max-time 30 -C - -o "$work/resumed" "$url/5m.bin" ||
    fail "resuming"
cmp "$work/resumed" "$work/files/5m.bin" || fail "resuming: it differs"

get "not modified" 304 -z "$work/files/64k.bin" "$url/64k.bin"
get "modified" 200 -z "Mon, 01 Jan 2001 00:00:00 GMT" "$url/64k.bin"

get "missing" 404 "$url/missing"
for path in /../out /%2e%2e/out '/..\out' /..%5cout /C:/windows/win.ini \
    "/index.html::\$DATA" /index.html. /nul /con.txt //server/share \
    /.hidden; do
    get "refused: $path" 404 --path-as-is "$url$path"
done

get "POST" 405 -d some=thing "$url/index.html"
has "POST" "allow: GET, HEAD"
get "upload" 405 -T "$work/files/64k.bin" "$url/upload"
get "large upload" 405 -T "$work/files/5m.bin" "$url/upload"
get "upload without a length" 405 -T - "$url/upload" <"$work/files/64k.bin"
get "DELETE" 405 -X DELETE "$url/index.html"
get "GET with a body" 200 -X GET -d some=thing "$url/index.html"
get "GET with a large body" 413 -X GET --data-binary "@$work/files/64k.bin" \
    "$url/index.html"
[ ! -e "$work/files/upload" ] || fail "upload: it is there"

get "a slow reader" 200 --limit-rate 4M "$url/5m.bin"
same "a slow reader" "$work/files/5m.bin"

# A client that leaves: the next one gets all the same.
for time in 0.01 0.02 0.05; do
    curl -s --max-time $time --limit-rate 1M -o /dev/null "$url/5m.bin" || :
done
get "after some who left" 200 "$url/5m.bin"
same "after some who left" "$work/files/5m.bin"

# Many at the same time.
if curl --help all | grep -q -- --parallel-max; then
    mkdir "$work/many"
    curl -sS --max-time 60 -Z --parallel-max 100 \
        -o "$work/many/small#1" "$url/64k.bin?[1-100]" \
        2>"$work/curl.err" || fail "100 in parallel: $(cat "$work/curl.err")"
    curl -sS --max-time 60 -Z --parallel-max 10 \
        -o "$work/many/large#1" "$url/5m.bin?[1-10]" \
        2>"$work/curl.err" || fail "10 in parallel: $(cat "$work/curl.err")"
    for i in $(seq 100); do
        cmp "$work/many/small$i" "$work/files/64k.bin" ||
            fail "100 in parallel: number $i differs"
    done
    for i in $(seq 10); do
        cmp "$work/many/large$i" "$work/files/5m.bin" ||
            fail "10 in parallel: number $i differs"
    done
else
    echo "$name: this curl has no --parallel"
fi

finish
