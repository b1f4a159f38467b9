# shortPeer.pl --
#
#       The clients of short.tcl, outside Wine. Each has a control connection,
#       which brings lines:
#
#       dial PORT       connects to 127.0.0.1 and sends "hello"; answers "ok"
#       shut            ends the sending side; answers "ok"
#       read MS         waits that long, reads to the end, and answers how many
#                       bytes arrived, how they ended (eof, reset), and whether
#                       they are the lines of short.tcl (right, wrong)
use strict;
use warnings;
use IO::Socket::INET;
use PeerLines;
use Socket qw(SOL_SOCKET SO_RCVBUF inet_aton pack_sockaddr_in);
use Time::HiRes qw(sleep);

sub dial {
    my ($state, $port) = @_;
    my $far = IO::Socket::INET->new(Proto => 'tcp');
    # The system then takes little for a client that does not read.
    $far->setsockopt(SOL_SOCKET, SO_RCVBUF, 32768);
    connect $far, pack_sockaddr_in($port, inet_aton('127.0.0.1'))
        or return "dial: $!";
    $far->syswrite("hello\n");
    $state->{far} = $far;
    return 'ok';
}

sub readAll {
    my ($far) = @_;
    my ($bytes, $got) = ('', 1);
    while ($got) {
        $got = sysread $far, $bytes, 65536, length $bytes;
    }
    my $lines = join '', map { sprintf "%08d\n", $_ } 0 .. length($bytes) / 9;
    my $same = $bytes eq substr $lines, 0, length $bytes;
    return join ' ', length $bytes, defined $got ? 'eof' : 'reset',
        $same ? 'right' : 'wrong';
}

sub obey {
    my ($state, $line) = @_;
    my ($verb, $value) = $line =~ /^(\w+) ?(\d*)/ or return 'what?';
    if ($verb eq 'dial') {
        return dial($state, $value);
    } elsif ($verb eq 'shut') {
        shutdown $state->{far}, 1;
        return 'ok';
    }
    sleep $value / 1000;
    return readAll($state->{far});
}

answerLines(\&obey);
