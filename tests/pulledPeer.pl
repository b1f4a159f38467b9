# pulledPeer.pl --
#
#       The far end of a cable, for pulled.sh: prints its port, and sends back
#       what comes in, until a line "pull" does: then it takes its end of the
#       cable down. Ends with its standard input.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(LocalAddr => '192.0.2.2', Listen => 16)
    or die "pulledPeer.pl: $!\n";
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
        } elsif ($bytes =~ /pull\n/) {
            system 'ip', 'link', 'set', 'cable2', 'down';
        } else {
            syswrite $input, $bytes;
        }
    }
}
