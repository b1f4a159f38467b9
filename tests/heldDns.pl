# heldDns.pl --
#
#       A name server for tests, on 127.0.0.1. Questions also tell it when to
#       answer others. It ends with its standard input.
#
#       NAME.held.test         no answer before it is released
#       NAME.release.test      answers it from now on: 127.0.0.1, no IPv6
#       NAME.refuse.test       from now on there is no such name
#       anything else          there is no such name
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $socket = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => 53, Proto => 'udp')
    or die "heldDns.pl: $!\n";
my $inputs = IO::Select->new($socket, \*STDIN);
my (%verdicts, @held);

# Flags: an answer, recursion available; the code 3 is "no such name".
sub answer {
    my ($query, $type, $verdict, $peer) = @_;
    my $code = $verdict eq 'release' ? 0 : 3;
    my $found = $code == 0 && $type == 1;
    my $reply = substr($query, 0, 2)
        . pack('n5', 0x8180 | $code, 1, $found ? 1 : 0, 0, 0)
        . substr($query, 12);
    # The name is the question's, by its offset; type, class, seconds, length.
    $reply .= pack('n n n N n C4', 0xC00C, 1, 1, 1, 4, 127, 0, 0, 1) if $found;
    $socket->send($reply, 0, $peer);
}

sub take {
    my $peer = $socket->recv(my $query, 512);
    return if !defined $peer || length($query) < 17;

    # The question ends the query, but for what extensions a resolver adds.
    my ($at, @labels) = (12);
    while ((my $length = ord(substr($query, $at, 1))) > 0) {
        push @labels, lc substr($query, $at + 1, $length);
        $at += 1 + $length;
        return if $at + 5 > length $query;
    }
    my $type = unpack('n', substr($query, $at + 1, 2));
    $query = substr($query, 0, $at + 5);
    my ($name, $kind) = (@labels, '', '');
    if ($kind eq 'release' || $kind eq 'refuse') {
        $verdicts{$name} = $kind;
        my @waiting = @held;
        @held = ();
        for my $one (@waiting) {
            if ($one->[0] eq $name) {
                answer($one->[1], $one->[2], $kind, $one->[3]);
            } else {
                push @held, $one;
            }
        }
        answer($query, $type, 'refuse', $peer);
    } elsif ($kind eq 'held' && !defined $verdicts{$name}) {
        push @held, [$name, $query, $type, $peer];
    } else {
        answer($query, $type,
            $kind eq 'held' ? $verdicts{$name} : 'refuse', $peer);
    }
}

$| = 1;
print "ready\n";
while (1) {
    for my $ready ($inputs->can_read) {
        exit 0 if $ready == \*STDIN && !sysread(STDIN, my $ignored, 100);
        take() if $ready == $socket;
    }
}
