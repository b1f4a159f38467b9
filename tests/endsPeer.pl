# endsPeer.pl --
#
#       The far end of connections, for ends.sh: what no Tcl channel can do,
#       and not under Wine. Prints its port. A connection to it brings lines,
#       each of them answered by one when it is carried out:
#
#       dial PORT       connects to 127.0.0.1, to a port of the tests
#       send TEXT       in which \n is a newline
#       urgent CHAR     one urgent byte (MSG_OOB)
#       reset TEXT      sends the text and resets the connection behind it
#       unread TEXT     sends the text and closes with unread input
#       recv COUNT      receives so many bytes; the answer is the bytes
#       close
#
#       Ends with its standard input.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(MSG_OOB MSG_PEEK SOL_SOCKET SO_LINGER);

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
    or die "endsPeer.pl: $!\n";
$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';

# serve CONTROL: the lines of one connection, in a process of its own.
sub serve {
    my ($control) = @_;
    my $far;
    alarm 60;
    while (defined(my $line = <$control>)) {
        my ($verb, $rest) = $line =~ /^(\S+) ?([^\r\n]*)/ or next;
        my $answer = 'ok';
        $rest =~ s/\\n/\n/g;
        if ($verb eq 'dial') {
            $far = IO::Socket::INET->new("127.0.0.1:$rest")
                or $answer = "dial: $!";
        } elsif ($verb eq 'send') {
            $far->send($rest) or $answer = "send: $!";
        } elsif ($verb eq 'urgent') {
            $far->send($rest, MSG_OOB) or $answer = "urgent: $!";
        } elsif ($verb eq 'reset') {
            $far->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
            $far->send($rest) or $answer = "send: $!";
            close $far;
        } elsif ($verb eq 'unread') {
            # Not before there is some.
            $far->recv(my $byte, 1, MSG_PEEK);
            $far->send($rest) or $answer = "send: $!";
            close $far;
        } elsif ($verb eq 'recv') {
            $answer = '';
            while (length($answer) < $rest) {
                $far->recv(my $part, $rest - length($answer));
                last if !defined $part || $part eq '';
                $answer .= $part;
            }
        } elsif ($verb eq 'close') {
            close $far;
        }
        $control->syswrite("$answer\n");
    }
}

if (my $child = fork) {
    # Nobody's input but this one's end says that all is over.
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
        serve($control);
        exit;
    }
    close $control;
}
