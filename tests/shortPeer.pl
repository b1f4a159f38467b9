# shortPeer.pl --
#
#       The clients of short.tcl, outside Wine. Prints its port. A connection to
#       it brings lines, and each client is the connection of one of them:
#
#       dial PORT       connects to 127.0.0.1 and sends "hello"; answers "ok"
#       shut            ends the sending side; answers "ok"
#       read MS         waits so long, reads to the end, and answers how many
#                       bytes came, how they ended (eof, reset), and whether
#                       they are the lines of short.tcl (right, wrong)
#
#       Ends with its standard input.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF inet_aton pack_sockaddr_in);
use Time::HiRes qw(sleep);

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
    or die "shortPeer.pl: $!\n";
$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';

sub dial {
    my ($port) = @_;
    my $far = IO::Socket::INET->new(Proto => 'tcp');
    # So that the system takes little for a client that does not read.
    $far->setsockopt(SOL_SOCKET, SO_RCVBUF, 32768);
    connect $far, pack_sockaddr_in($port, inet_aton('127.0.0.1'))
        or return (undef, "dial: $!");
    $far->syswrite("hello\n");
    return ($far, 'ok');
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

sub serve {
    my ($control) = @_;
    my ($far, $answer);
    alarm 60;
    while (defined(my $line = <$control>)) {
        my ($verb, $value) = $line =~ /^(\w+) ?(\d*)/ or next;
        if ($verb eq 'dial') {
            ($far, $answer) = dial($value);
        } elsif ($verb eq 'shut') {
            shutdown $far, 1;
            $answer = 'ok';
        } else {
            sleep $value / 1000;
            $answer = readAll($far);
        }
        $control->syswrite("$answer\n");
    }
}

if (my $child = fork) {
    while (sysread STDIN, my $bytes, 100) {}
    kill 'TERM', $child;
    exit;
}
print $listener->sockport, "\n";
while (1) {
    my $control = $listener->accept or next;
    my $pid = fork;
    if (defined $pid && $pid == 0) {
        close $listener;
        serve($control);
        exit;
    }
    close $control;
}
