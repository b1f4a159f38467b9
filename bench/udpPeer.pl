#!/usr/bin/perl
# udpPeer.pl echo PORT BYTES COUNT SECONDS INFLIGHT ?PAUSE?
# udpPeer.pl in PORT BYTES COUNT SECONDS
# udpPeer.pl flood PORT BYTES COUNT SECONDS
# udpPeer.pl sink
#
# The peer of the datagram servers in udp.tcl and udp.js, outside Wine.
#
# echo    keeps INFLIGHT datagrams of so many bytes in flight; after an answer
#         it waits for PAUSE seconds
# in      sends datagrams, of which at most WINDOW are not acknowledged
# flood   sends at full speed, and then asks how many were received
# sink    prints its port, receives until stdin ends, and prints how many
#
# The first three end after COUNT datagrams or SECONDS, and print "RESULT ops N
# us N sent N lost N". A datagram is lost if nothing comes for LOSS seconds.
#
# With many in flight, it looks for datagrams each millisecond. If each datagram
# woke it, the sender would spend most of its time on that, in a virtual machine
# at least.
use strict;
use warnings;
use Errno qw(EAGAIN ECONNREFUSED EINTR);
use Socket;
use Time::HiRes qw(sleep time);

use constant WINDOW => 128;
use constant ASK_EVERY => 16;
use constant LOSS => 0.2;
use constant TICK => 0.001;
use constant BUFFER => 212992;

$| = 1;
my ($what, $port, $bytes, $count, $seconds, @rest) = @ARGV;
my ($sent, $got, $lost) = (0, 0, 0);
my $asked = 0;

socket(my $sock, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
setsockopt($sock, SOL_SOCKET, SO_RCVBUF, BUFFER) or die "setsockopt: $!";
bind($sock, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
if ($what ne 'sink') {
    connect($sock, pack_sockaddr_in($port, INADDR_LOOPBACK))
        or die "connect: $!";
}

sub transmit {
    my ($datagram) = @_;
    until (defined send($sock, $datagram, 0)) {
        die "send: $!" unless $! == ECONNREFUSED || $! == EINTR;
    }
    $sent += 1;
}

# The next datagram that is there.
sub receive {
    my $buffer;
    return $buffer
        if defined recv($sock, $buffer, 65536, MSG_DONTWAIT);
    die "recv: $!" unless $! == EAGAIN || $! == ECONNREFUSED || $! == EINTR;
    return undef;
}

# Waits for a datagram, or at most so long.
sub await {
    my ($limit) = @_;
    my $readable = '';
    vec($readable, fileno($sock), 1) = 1;
    select($readable, undef, undef, $limit);
}

sub outstanding { return $sent - $got - $lost; }
sub is_over {
    my ($begin) = @_;
    return $got + $lost >= $count || time() - $begin >= $seconds;
}

sub result {
    my ($begin) = @_;
    my $us = int(1e6 * (time() - $begin));
    my $ops = $got;

    # What is still on its way is not lost.
    for (my $quiet = 0; outstanding() > 0 && $quiet < LOSS; $quiet += TICK) {
        $quiet = 0 if take() > 0;
        sleep(TICK);
    }
    $lost += outstanding();
    print "RESULT ops $ops us $us sent $sent lost $lost\n";
}

# Takes what has come back, and returns how many datagrams that were. An answer
# to a question tells how many the process has received.
my $base;
sub take {
    my $before = $got;
    while (defined(my $datagram = receive())) {
        if ($what eq 'echo') {
            $got += 1;
        } elsif ($datagram =~ /^a(\d{7}) (\d+)$/ && defined $base) {
            $got = $2 - $base;
            $lost = $1 - $got;
        }
    }
    return $got - $before;
}

# Calls the function with the number of datagrams that came, until the time is
# over. If none comes for a while, what is outstanding is lost.
sub exchange {
    my ($waits, $lose, $next) = @_;
    my $begin = time();
    my $last = $begin;
    $next->(0);
    until (is_over($begin)) {
        my $came;
        $waits ? await(LOSS) : sleep(TICK);
        $came = take();
        if ($came > 0) {
            $last = time();
        } elsif (time() - $last >= LOSS) {
            $lose->();
            $last = time();
        }
        $next->($came) unless is_over($begin);
    }
    result($begin);
}

# ------------------------------------------------------------------- echo

sub echo {
    my ($inFlight, $pause) = @rest;
    my $datagram = 'x' x $bytes;
    my $next = sub {
        my ($came) = @_;
        sleep($pause) if $pause && $came > 0;
        while (outstanding() < $inFlight && $sent - $lost < $count) {
            transmit($datagram);
        }
    };
    exchange($inFlight == 1, sub { $lost += outstanding() }, $next);
}

# ------------------------------------------------------------- one way in

sub question {
    my ($number) = @_;
    return sprintf('a%07d', $number) . 'x' x ($bytes - 8);
}

# Asks until there is an answer to the last question. Returns how many datagrams
# the process has received.
sub received {
    my ($number, $total) = (0, 0);
    do {
        my $question = sprintf('a%07d', 9000000 + ++$asked);
        transmit($question);
        await(LOSS);
        while (defined(my $datagram = receive())) {
            $total = $1 if $datagram =~ /^$question (\d+)$/;
        }
    } until $total > 0;
    return $total;
}

sub in {
    my $datagram = 'x' x $bytes;
    my $ask = sub { transmit(question($sent + 1)) };
    my $next = sub {
        while (outstanding() < WINDOW && $sent - $lost < $count) {
            my $isLast = $sent - $lost + 1 == $count;
            ($sent + 1) % ASK_EVERY == 0 || $isLast ? $ask->()
                : transmit($datagram);
        }
    };
    $base = received();
    $sent = 0;

    # Either the question or its answer may be lost.
    exchange(0, $ask, $next);
}

sub flood {
    my $datagram = 'x' x $bytes;
    my $before = received();
    my $begin = time();
    $sent = 0;
    until (is_over($begin)) {
        transmit($datagram) for 1 .. 16;
    }
    $got = received() - $before;
    $lost = $sent - $got;
    result($begin);
}

# ------------------------------------------------------------ one way out

sub sink {
    my ($local) = unpack_sockaddr_in(getsockname($sock));
    my $quiet = 0;
    my $ended = 0;
    print "$local\n";
    until ($ended && $quiet >= LOSS) {
        my $readable = '';
        my $before = $got;
        vec($readable, fileno(STDIN), 1) = 1;
        if ($ended) {
            sleep(TICK);
        } else {
            $ended = select($readable, undef, undef, TICK) > 0;
        }
        $got += 1 while defined receive();
        $quiet = $got > $before ? 0 : $quiet + TICK;
    }
    print "$got\n";
}

my %whats = (echo => \&echo, in => \&in, flood => \&flood, sink => \&sink);
$whats{$what}->();
