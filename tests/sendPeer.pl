# sendPeer.pl --
#
#       The receiver of sendpeer.tcl. It prints two ports, for control and for
#       data connections. Data connections are numbered from 0 and read only on
#       demand. It ends with its standard input. A control connection sends
#       lines, and gets these answers:
#
#           count       COUNT: the number of data connections so far
#           take I N    N: reads N bytes of number I, and keeps them
#           read I      LENGTH eof|reset, then all bytes up to the end
#           reset I     reset: resets number I
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);

sub listening {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
        || die "sendPeer.pl: $!\n";
}

my ($control, $data) = (listening(), listening());

# The system then takes little for a connection that is not read.
setsockopt $data, SOL_SOCKET, SO_RCVBUF, 32768;
my $inputs = IO::Select->new($control, $data, \*STDIN);
my (@conns, @bytes, %asked, %line);

sub end {
    my ($i, $how) = @_;
    my $to = delete $asked{$i};
    $inputs->remove($conns[$i]);
    close $conns[$i];
    print $to length($bytes[$i]) . " $how\n" . $bytes[$i];
    $to->flush;
    $bytes[$i] = '';
}

sub obey {
    my ($from, $what, $i, $count) = @_;
    if ($what eq 'count') {
        print $from scalar(@conns) . "\n";
    } elsif ($what eq 'take') {
        my $left = $count;
        while ($left > 0) {
            my $n = sysread $conns[$i], $bytes[$i], $left, length $bytes[$i];
            last if !$n;
            $left -= $n;
        }
        print $from $count - $left . "\n";
    } elsif ($what eq 'read') {
        $asked{$i} = $from;
        $inputs->add($conns[$i]);
    } elsif ($what eq 'reset') {
        setsockopt $conns[$i], SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
        close $conns[$i];
        print $from "reset\n";
    }
    $from->flush;
}

$| = 1;
print $control->sockport . ' ' . $data->sockport . "\n";
while (my @ready = $inputs->can_read) {
    foreach my $input (@ready) {
        if ($input == \*STDIN) {
            exit if !sysread STDIN, my $rest, 100;
        } elsif ($input == $control) {
            my $conn = $control->accept;
            binmode $conn;
            $inputs->add($conn);
            $line{$conn} = '';
        } elsif ($input == $data) {
            push @conns, scalar $data->accept;
            push @bytes, '';
        } elsif (exists $line{$input}) {
            if (!sysread $input, $line{$input}, 1000, length $line{$input}) {
                $inputs->remove($input);
                next;
            }
            while ($line{$input} =~ s/^(.*)\n//) {
                obey($input, split ' ', $1);
            }
        } else {
            my ($i) = grep { $conns[$_] == $input } keys %asked;
            my $n = sysread $input, $bytes[$i], 65536, length $bytes[$i];
            end($i, defined $n ? 'eof' : 'reset') if !$n;
        }
    }
}
