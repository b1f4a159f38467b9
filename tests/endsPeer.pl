# endsPeer.pl --
#
#       The far ends of connections, for ends.sh. They do what no Tcl channel
#       can do, and run outside Wine. A control connection brings lines, each
#       answered when it is carried out:
#
#       dial PORT       connects to a port of the tests on 127.0.0.1
#       send TEXT       sends the text, in which \n is a newline
#       urgent CHAR     sends one urgent byte (MSG_OOB)
#       reset TEXT      sends the text, then resets the connection
#       unread TEXT     sends the text, then closes with unread input
#       recv COUNT      receives that many bytes, and answers with them
#       close
use strict;
use warnings;
use IO::Socket::INET;
use PeerLines;
use Socket qw(MSG_OOB MSG_PEEK SOL_SOCKET SO_LINGER);

sub receive {
    my ($far, $count) = @_;
    my $bytes = '';
    while (length($bytes) < $count) {
        $far->recv(my $part, $count - length($bytes));
        last if !defined $part || $part eq '';
        $bytes .= $part;
    }
    return $bytes;
}

sub obey {
    my ($state, $line) = @_;
    my ($verb, $rest) = $line =~ /^(\S+) ?([^\r\n]*)/ or return 'what?';
    my $far = $state->{far};
    $rest =~ s/\\n/\n/g;
    if ($verb eq 'dial') {
        $state->{far} = IO::Socket::INET->new("127.0.0.1:$rest")
            or return "dial: $!";
    } elsif ($verb eq 'send') {
        $far->send($rest) or return "send: $!";
    } elsif ($verb eq 'urgent') {
        $far->send($rest, MSG_OOB) or return "urgent: $!";
    } elsif ($verb eq 'reset') {
        $far->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
        $far->send($rest) or return "send: $!";
        close $far;
    } elsif ($verb eq 'unread') {
        # Waits until there is input.
        $far->recv(my $byte, 1, MSG_PEEK);
        $far->send($rest) or return "send: $!";
        close $far;
    } elsif ($verb eq 'recv') {
        return receive($far, $rest);
    } elsif ($verb eq 'close') {
        close $far;
    }
    return 'ok';
}

answerLines(\&obey);
