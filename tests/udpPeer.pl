# udpPeer.pl --
#
#       The peer of udpOutside.tcl: datagram servers outside Wine. It prints
#       their ports: of commands, of a DNS server and of a time server. It ends
#       with its standard input. A datagram to the first port has a command:
#
#           echo MS TEXT    sends TEXT back, MS milliseconds later
#           many N BYTES    sends N datagrams of so many bytes: a number of 8
#                           digits, and dots
#           gone            closes a port and sends its number
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

sub bound {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
        || die "udpPeer.pl: $!\n";
}

my ($commands, $dns, $ntp) = (bound(), bound(), bound());
my $inputs = IO::Select->new($commands, $dns, $ntp, \*STDIN);
my @later;

sub obey {
    my ($from, $text) = @_;
    if ($text =~ /^echo (\d+) (.*)/s) {
        push @later, [time + $1 / 1000, $from, $2];
    } elsif ($text =~ /^many (\d+) (\d+)/) {
        for my $i (1 .. $1) {
            send $commands, sprintf('%08d', $i) . '.' x ($2 - 8), 0, $from;
        }
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
print join(' ', map { $_->sockport } $commands, $dns, $ntp), "\n";
while (1) {
    @later = sort { $a->[0] <=> $b->[0] } @later;
    my $wait = @later ? $later[0][0] - time : undef;
    $wait = 0 if defined $wait && $wait < 0;
    for my $input ($inputs->can_read($wait)) {
        if ($input == \*STDIN) {
            exit unless sysread STDIN, my $bytes, 100;
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
