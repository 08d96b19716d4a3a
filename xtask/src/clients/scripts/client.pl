# Debian's libclamav-client-perl: ClamAV::Client, over both sockets.
use strict;
use warnings;
use ClamAV::Client;

my ($socket, $port, $clean, $infected, $name) = @ARGV;
open(my $file, '<', $infected) or die;
my $body = do { local $/; <$file> };
close($file);

for my $client (
    ClamAV::Client->new(socket_name => $socket),
    ClamAV::Client->new(socket_host => '127.0.0.1', socket_port => $port),
) {
    $client->ping eq 'PONG' or die 'ping';
    $client->version =~ /^ClamAV / or die 'version: ' . $client->version;
    my %results = $client->scan_path($clean);
    !defined $results{$clean} or die "clean: $results{$clean}";
    %results = $client->scan_path($infected);
    $results{$infected} eq $name or die "infected: @{[%results]}";
    %results = $client->scan_path_complete($infected);
    $results{$infected} eq $name or die "complete: @{[%results]}";
    # It sends bodies by the command STREAM, which ClamAV has given up: it is told so.
    my $found = eval { $client->scan_scalar(\$body) };
    !defined $found && $@ =~ /UNKNOWN COMMAND/ or die "body: " . ($found // $@);
}
print "ping version scan contscan; unix tcp\n";
