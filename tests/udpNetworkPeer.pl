# udpNetworkPeer.pl --
#
#       The peer of udpNetwork.tcl, at the other end of its links: peer1 has
#       192.0.2.2, and peer2 has 192.0.2.130. It prints the port of its
#       commands, and ends with its standard input. A datagram to this port has
#       a command:
#
#           send LINK ADDRESS PORT HOPS TEXT
#                           sends TEXT from this link
#           seen TEXT       answers when a datagram with TEXT has come by a
#                           link, with all that came since the last "seen": for
#                           each its link, sender, receiver, hops and text
#           logger FORMAT ADDRESS PORT TEXT
#                           sends TEXT by the program logger
use strict;
use warnings;
use IO::Select;
use Socket qw(:all);

use constant {SO_BINDTODEVICE => 25, PF_PACKET => 17, ETH_P_ALL => 3};

socket my $commands, PF_INET, SOCK_DGRAM, 0 or die "udpNetworkPeer.pl: $!\n";
bind $commands, pack_sockaddr_in(0, inet_aton('192.0.2.2'))
    or die "udpNetworkPeer.pl: $!\n";

# Sees each packet, whatever its destination is, as the links filter nothing.
socket my $packets, PF_PACKET, SOCK_DGRAM, unpack('S', pack 'n', ETH_P_ALL)
    or die "udpNetworkPeer.pl: $!\n";
my %links = map { /^(\d+): (\w+)/ ? ($1 => $2) : () } `ip -o link`;
my (@seen, $waiting, $wanted);

sub transmit {
    my ($link, $host, $port, $hops, $text) = @_;
    my ($index) = grep { $links{$_} eq $link } keys %links;
    my $six = $host =~ /:/;
    socket my $socket, $six ? PF_INET6 : PF_INET, SOCK_DGRAM, 0 or return;
    setsockopt $socket, SOL_SOCKET, SO_BINDTODEVICE, "$link\0";
    setsockopt $socket, SOL_SOCKET, SO_BROADCAST, 1;
    foreach my $option ($six ? (IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS)
        : (IP_TTL, IP_MULTICAST_TTL)) {
        setsockopt $socket, $six ? IPPROTO_IPV6 : IPPROTO_IP, $option,
            $hops + 0;
    }
    send $socket, $text, 0, $six
        ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host), $index)
        : pack_sockaddr_in($port, inet_aton($host))
        or warn "udpNetworkPeer.pl: send to $host by $link: $!\n";
}

# One packet, from its IP header on.

sub look {
    my ($packet, $from) = @_;
    my ($index, $type) = unpack 'x4 i x2 C', $from;
    my ($protocol, $hops, $source, $destination, $udp);
    return if $type == 4; # It goes out.
    my $version = unpack('C', $packet) >> 4;
    if ($version == 4) {
        ($hops, $protocol, $source, $destination) = unpack 'x8 C C x2 a4 a4',
            $packet;
        $udp = substr $packet, (unpack('C', $packet) & 15) * 4;
    } elsif ($version == 6) {
        ($protocol, $hops, $source, $destination) = unpack 'x6 C C a16 a16',
            $packet;
        $udp = substr $packet, 40;
    }
    return if !defined $protocol || $protocol != IPPROTO_UDP;
    my $text = substr $udp, 8, unpack('x4 n', $udp) - 8;
    return if $text =~ /^(send|seen|logger) /;
    my $family = $version == 4 ? AF_INET : AF_INET6;
    push @seen, join ' ', $links{$index}, inet_ntop($family, $source),
        inet_ntop($family, $destination), $hops, $text;
    answer();
}

sub answer {
    return if !defined $waiting || !grep { / \Q$wanted\E$/ } @seen;
    send $commands, join("\n", @seen), 0, $waiting;
    @seen = ();
    undef $waiting;
}

$| = 1;
print +(unpack_sockaddr_in(getsockname $commands))[0], "\n";
my $inputs = IO::Select->new($commands, $packets, \*STDIN);
while (1) {
    for my $input ($inputs->can_read) {
        if ($input == \*STDIN) {
            exit unless sysread STDIN, my $bytes, 100;
            next;
        }
        my $from = recv $input, my $bytes, 65536, 0;
        next unless defined $from;
        if ($input == $packets) {
            look($bytes, $from);
        } elsif ($bytes =~ /^send (.*)/s) {
            transmit(split ' ', $1, 5);
        } elsif ($bytes =~ /^logger (\S+) (\S+) (\d+) (.*)/s) {
            system qw(logger -d -p user.info -t test), "--$1", '-n', $2,
                '-P', $3, $4;
        } elsif ($bytes =~ /^seen (.*)/s) {
            ($waiting, $wanted) = ($from, $1);
            answer();
        }
    }
}
