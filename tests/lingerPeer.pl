# lingerPeer.pl --
#
#       The peer of linger.tcl, outside Wine. It prints its port. The first
#       connection controls it by lines. To each other connection it
#
#       - sends "greet" bytes at once;
#       - reads nothing until a line "go", then "chunk" bytes every "pace"
#         milliseconds;
#       - closes when the other end has closed, but with "stay" only after a
#         line "end".
#
#       "set NAME=VALUE ..." answers "set" and applies to later connections.
#       "say N" sends N bytes to the newest connection. "result" waits for its
#       end, and answers with the number of bytes received and how it ended
#       (eof, reset).
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep);

$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
    or die "lingerPeer.pl: $!\n";
$listener->sockopt(SO_RCVBUF, 65536);
$| = 1;
print $listener->sockport, "\n";

my ($control, $data, $asked, $go, $count, $how) = (undef, undef, 0, 0, 0, '');
my %settings = (greet => 0, pace => 0, chunk => 65536, stay => 0);
my $input = '';

sub answer {
    if ($asked && $how ne '') {
        syswrite $control, "$count $how\n";
        $asked = 0;
    }
}

sub obey {
    my ($word, @args) = split ' ', shift;
    if ($word eq 'set') {
        /(\w+)=(\d+)/ and $settings{$1} = $2 foreach @args;
        ($go, $count, $how) = (0, 0, '');
        syswrite $control, "set\n";
    } elsif ($word eq 'go') {
        $go = 1;
    } elsif ($word eq 'say') {
        syswrite $data, 'y' x $args[0];
    } elsif ($word eq 'end') {
        close $data;
        undef $data;
    } elsif ($word eq 'result') {
        $asked = 1;
        answer();
    }
}

sub ended {
    $how = shift;
    if (!$settings{stay} || $how eq 'reset') {
        close $data;
        undef $data;
    }
    answer();
}

while (1) {
    my $inputs = IO::Select->new($listener, \*STDIN);
    $inputs->add($control) if $control;
    $inputs->add($data) if $data && $go && $how eq '';
    foreach my $ready ($inputs->can_read) {
        if ($ready == \*STDIN) {
            exit if !sysread STDIN, my $ignored, 100;
        } elsif ($ready == $listener && !$control) {
            $control = $listener->accept;
        } elsif ($ready == $listener) {
            $data = $listener->accept;
            syswrite $data, 'x' x $settings{greet} if $settings{greet};
        } elsif ($ready == $control) {
            exit if !sysread $control, $input, 4096, length $input;
            obey($1) while $input =~ s/^(.*)\n//;
        } elsif ($data && $ready == $data) {
            my $got = sysread $data, my $bytes, $settings{chunk};
            $count += $got if $got;
            ended(defined $got ? 'eof' : 'reset') if !$got;
            sleep $settings{pace} / 1000 if $settings{pace};
        }
    }
}
