# PeerLines.pm --
#
#       The frame of peers that take commands as lines (endsPeer.pl,
#       shortPeer.pl).
#
#       answerLines(PROC) prints a port. Each connection to it has a process of
#       its own, which calls PROC(STATE, LINE) for each line and sends what it
#       returns. STATE is a hash that lives as long as the connection. All end
#       with the standard input.
package PeerLines;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
our @EXPORT = ('answerLines');

sub serve {
    my ($control, $proc) = @_;
    my %state;
    alarm 60;
    while (defined(my $line = <$control>)) {
        $control->syswrite($proc->(\%state, $line) . "\n");
    }
}

sub answerLines {
    my ($proc) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        Listen => 16) or die "$0: $!\n";
    $| = 1;
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';
    if (my $child = fork) {
        # Only this process reads the standard input.
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
            serve($control, $proc);
            exit;
        }
        close $control;
    }
}

1;
