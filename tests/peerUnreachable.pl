# peerUnreachable.pl --
#
#       The peer of peerUnreachable.sh. It prints its port, and sends all input
#       back. At a line "vanish" it takes its end of the link down. It ends with
#       its standard input.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(LocalAddr => '192.0.2.2', Listen => 16)
    or die "peerUnreachable.pl: $!\n";
$| = 1;
print $listener->sockport, "\n";
my $inputs = IO::Select->new($listener, \*STDIN);
while (my @ready = $inputs->can_read) {
    foreach my $input (@ready) {
        if ($input == $listener) {
            $inputs->add(scalar $listener->accept);
            next;
        }
        my $count = sysread $input, my $bytes, 65536;
        if (!$count) {
            exit if $input == \*STDIN;
            $inputs->remove($input);
            close $input;
        } elsif ($bytes =~ /vanish\n/) {
            system 'ip', 'link', 'set', 'link2', 'down';
        } else {
            syswrite $input, $bytes;
        }
    }
}
