# udpPeer.pl --
#
#       The peer of udpOutside.tcl: servers outside Wine. It prints their ports:
#       of commands, of a DNS server, of a time server, and of TCP, where it
#       only sends. It ends with its standard input. A datagram to the first
#       port has a command:
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

my ($commands, $dns, $ntp) = (bound(), bound(), bound());
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    || die "udpPeer.pl: $!\n";
my $inputs = IO::Select->new($commands, $dns, $ntp, $listener,
    \*STDIN);
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

# Each name that ends in .test has the address 192.0.2.7; others do not exist.

sub resolve {
    my ($from, $query) = @_;
    my ($id, $flags, $count) = unpack 'nnn', $query;
    my $question = substr $query, 12;
    my $known = $question =~ /^[^\0]*\x04test\0/;
    $question =~ /^([^\0]*\0....)/s or return;
    my $answer = pack('nnnnnn', $id, $known ? 0x8180 : 0x8183, 1,
        $known ? 1 : 0, 0, 0) . $1;
    $answer .= pack('nnnNnC4', 0xc00c, 1, 1, 60, 4, 192, 0, 2, 7) if $known;
    send $dns, $answer, 0, $from;
}

# 2001-02-03 04:05:06 UTC, in seconds since 1900.

sub tellTime {
    my ($from) = @_;
    my $now = 981173106 + 2208988800;
    send $ntp, pack('C4N3', 0x24, 1, 4, 0xec, 0, 0, 0) . "\0" x 24
        . pack('NN', $now, 0), 0, $from;
}

$| = 1;
print join(' ', map { $_->sockport } $commands, $dns, $ntp,
    $listener), "\n";
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
        if ($input == $commands) {
            obey($from, $bytes);
        } elsif ($input == $dns) {
            resolve($from, $bytes);
        } else {
            tellTime($from);
        }
    }
    while (@later && $later[0][0] <= time) {
        my $echo = shift @later;
        send $commands, $echo->[2], 0, $echo->[1];
    }
}
