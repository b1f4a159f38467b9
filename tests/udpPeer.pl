# udpPeer.pl --
#
#       The peer of udpOutside.tcl, outside Wine. It prints its ports: of
#       datagrams, and of TCP, where it only sends. It ends with its standard
#       input. A datagram has a command:
#
#           echo MS TEXT    sends TEXT back, MS milliseconds later
#           many N BYTES    sends N datagrams of so many bytes: a number of 8
#                           digits, and dots
#           flood N BYTES PORT
#                           the same, while it also obeys other commands. After
#                           each 1,000 datagrams it sends their number to that
#                           port and by TCP, as a line
#           lost PORT       waits for the end of the flood, and tells how many
#                           datagrams were sent, how many the system dropped
#                           that were for this port, because its buffer was
#                           full, and how many packets before their socket was
#                           looked for, whoever sent them
#           gone            closes a port and sends its number
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_aton pack_sockaddr_in);
use Time::HiRes qw(time);

sub bound {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
        || die "udpPeer.pl: $!\n";
}

my $commands = bound();
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    || die "udpPeer.pl: $!\n";
my $inputs = IO::Select->new($commands, $listener, \*STDIN);
my (@later, $stream, $flood, $sent, $early);

# Sends numbers in a process of its own, which then prints how many were sent.

sub flood {
    my ($to, $count, $bytes, $port) = @_;
    $early = droppedEarly();
    undef $sent;
    my $pid = open $flood, '-|';
    defined $pid or die "udpPeer.pl: $!\n";
    return if $pid;
    my $other = pack_sockaddr_in($port, inet_aton('127.0.0.1'));
    my $done = 0;
    for my $i (1 .. $count) {
        my $text = sprintf('%08d', $i) . '.' x ($bytes - 8);
        $done++ if send $commands, $text, 0, $to;
        next if $i % 1000;
        send $commands, $i, 0, $other;
        syswrite $stream, "$i\n";
    }
    print $done;
    exit;
}

# By sockets, from the last column of the system's lists; and before that.

sub dropped {
    my ($port) = @_;
    my $sum = 0;
    for my $list ('udp', 'udp6') {
        open my $in, '<', "/proc/net/$list" or next;
        /^\s*\d+: \w+:(\w+) .* (\d+)\s*$/ && hex $1 == $port and $sum += $2
            while <$in>;
    }
    return $sum;
}

sub droppedEarly {
    my $sum = 0;
    open my $in, '<', '/proc/net/softnet_stat' or return 0;
    $sum += hex((split)[1]) while <$in>;
    return $sum;
}

sub tellLost {
    my ($to, $port) = @_;
    $sent //= <$flood>;
    send $commands, join(' ', $sent, dropped($port), droppedEarly() - $early),
        0, $to;
}

sub obey {
    my ($from, $text) = @_;
    if ($text =~ /^echo (\d+) (.*)/s) {
        push @later, [time + $1 / 1000, $from, $2];
    } elsif ($text =~ /^many (\d+) (\d+)/) {
        for my $i (1 .. $1) {
            send $commands, sprintf('%08d', $i) . '.' x ($2 - 8), 0, $from;
        }
    } elsif ($text =~ /^flood (\d+) (\d+) (\d+)/) {
        flood($from, $1, $2, $3);
    } elsif ($text =~ /^lost (\d+)/) {
        tellLost($from, $1);
    } elsif ($text eq 'gone') {
        my $socket = bound();
        my $port = $socket->sockport;
        close $socket;
        send $commands, $port, 0, $from;
    }
}

$| = 1;
print join(' ', $commands->sockport, $listener->sockport), "\n";
while (1) {
    @later = sort { $a->[0] <=> $b->[0] } @later;
    my $wait = @later ? $later[0][0] - time : undef;
    $wait = 0 if defined $wait && $wait < 0;
    for my $input ($inputs->can_read($wait)) {
        if ($input == \*STDIN) {
            exit unless sysread STDIN, my $bytes, 100;
            next;
        }
        if ($input == $listener) {
            $stream = $listener->accept;
            next;
        }
        my $from = recv $input, my $bytes, 65536, 0;
        next unless defined $from;
        obey($from, $bytes);
    }
    while (@later && $later[0][0] <= time) {
        my $echo = shift @later;
        send $commands, $echo->[2], 0, $echo->[1];
    }
}
