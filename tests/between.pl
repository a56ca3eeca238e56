# Stands before a server, and falls silent in the middle of an answer while there is the file:
#     perl tests/between.pl PORT FILE
# Prints its own port, and "silent" for each answer that it leaves there.
use IO::Socket::INET;
use IO::Select;
my $server = IO::Socket::INET->new(Listen => 64, LocalAddr => "127.0.0.1") or die;
my ($to, $stall) = @ARGV;
$| = 1;
$SIG{CHLD} = "IGNORE";
print $server->sockport, "\n";
while (1) {
    my $client = $server->accept or next;
    next if fork;
    my $node = IO::Socket::INET->new("127.0.0.1:$to") or exit;
    my ($both, $is_silent) = (IO::Select->new($client, $node), 0);
    while (1) {
        for my $from ($both->can_read) {
            sysread($from, my $bytes, 65536) or exit;
            next if $is_silent;
            $is_silent = $from == $node && -e $stall && $bytes =~ s/^(.*?"content":"[^"].*?\n\n).*/$1/s;
            syswrite($from == $node ? $client : $node, $bytes);
            print "silent\n" if $is_silent;
        }
    }
}
