#!/bin/sh
# nginx.sh 86|90 --
#
#       nginx.tcl, which runs Tcl's http package over the driver against an
#       nginx of its own. Exit status: 0 passed, 1 failed, 77 skipped.

set -u
# shellcheck source=tests/scratch
. "$(dirname "$0")/scratch"

# tools/fetch-server puts it there.
nginx=${XDG_CACHE_HOME:-${HOME-}/.cache}/iocpsock/nginx/usr/sbin/nginx
if [ ! -x "$nginx" ]; then
    echo "nginx.sh: skipped: no $nginx (run tools/setup)"
    exit 77
fi
server=
atEnd() {
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
}

mkdir "$work/files" "$work/upload" "$work/temp"
cat >"$work/nginx.conf" <<END
daemon off;
# A single process cannot use the socket that it gets below.
worker_processes 1;
user $(id -un) $(id -gn);
pid $work/pid;
error_log $work/error.log error;
events {
    worker_connections 512;
}
http {
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path $work/temp/body;
    proxy_temp_path $work/temp/proxy;
    fastcgi_temp_path $work/temp/fastcgi;
    uwsgi_temp_path $work/temp/uwsgi;
    scgi_temp_path $work/temp/scgi;
    client_max_body_size 64m;
    keepalive_timeout 100;
    server {
        include $work/listen.conf;
        root $work/files;
        # These tell the tests which connection a request used.
        add_header X-Connection \$connection;
        add_header X-Request \$connection_requests;
        add_header X-Pipelined \$pipe;
        # A filter changes the length of the body, so that it is chunked.
        location /chunked/ {
            alias $work/files/;
            sub_filter_types *;
            sub_filter "what is not in there" "";
        }
        location /gzip/ {
            alias $work/files/;
            gzip on;
            gzip_comp_level 1;
            gzip_types *;
        }
        # Takes longer than any test waits.
        location /slow/ {
            alias $work/files/;
            limit_rate 1k;
        }
        # The large file takes a second.
        location /paced/ {
            alias $work/files/;
            limit_rate 12m;
        }
        # The server closes the connection.
        location /last/ {
            alias $work/files/;
            keepalive_timeout 0;
        }
        location /upload/ {
            root $work;
            dav_methods PUT;
        }
        # A POST is stored as well.
        location /post/ {
            rewrite ^/post/(.*) /upload/\$1 break;
            proxy_method PUT;
            proxy_pass http://127.0.0.1:\$server_port;
        }
    }
}
END

# The system chooses the port. nginx gets the listening socket in the way in
# which it takes over from another nginx.
perl -MIO::Socket::INET -e '
    $^F = 1000;
    my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
        Listen => 511, Blocking => 0) or die "nginx.sh: $!\n";
    my $port = $socket->sockport;
    open my $out, ">", "$ARGV[0]/listen.conf" or die "nginx.sh: $!\n";
    print $out "listen 127.0.0.1:$port backlog=511;\n";
    close $out;
    $ENV{NGINX} = fileno($socket) . ";";
    print "$port\n";
    close STDOUT;
    open STDOUT, ">&", STDERR;
    exec $ARGV[1], "-p", $ARGV[0], "-c", "nginx.conf", "-e", "error.log"
        or die "nginx.sh: $ARGV[1]: $!\n"' "$work" "$nginx" \
    >"$work/port" 2>"$work/stderr" &
server=$!
tries=100
until [ -s "$work/port" ]; do
    if [ $tries -eq 0 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$work/stderr"
        echo "nginx.sh: FAILED: nginx does not start"
        exit 1
    fi
    sleep 0.1
    tries=$((tries - 1))
done

failed=0
IOCPSOCK_NGINX="$(cat "$work/port") Z:$work" \
    "$run" "$here/run.tcl" nginx.tcl || failed=1
if ! kill -0 "$server" 2>/dev/null; then
    echo "nginx.sh: FAILED: nginx ended by itself"
    failed=1
fi
[ $failed -eq 0 ] || cat "$work/stderr" "$work/error.log"
exit $failed
