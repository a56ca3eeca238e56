#!/bin/bash
# Answers that were bought, checked by another node: an honest one is right, one by other weights is
# found, and so is a node that signs two receipts for one job; who lied is asked no more.
#
#     tests/shoal_audit.sh SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops databases for it.
node=$(realpath "$2")
model=$(realpath "$3")
relay=$(realpath "$4")
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
names="relay honest liar"
children=()
sql() { psql -qtA "$TEST_DB" "$@"; }
for name in $names; do
    sql -c "CREATE DATABASE shoal_audit_$$_$name" || exit 1
done
end()
{
    for child in "${children[@]}"; do kill "$child" && wait "$child"; done 2> /dev/null
    for name in $names; do sql -c "DROP DATABASE shoal_audit_$$_$name WITH (FORCE)"; done
    rm -rf "$home"
}
trap end EXIT

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > me
printf '{"pow_bits":8,"address_grant":10000000,"day_grant":10000000,"relay_grant":10000000}\n' > policy
mkfifo ready
SHOAL_RELAY_DATABASE="$TEST_DB dbname=shoal_audit_$$_relay" SHOAL_RELAY_LISTEN_PORT=0 \
    XDG_RUNTIME_DIR="$home" "$relay" > ready 2> relay.log &
children+=($!)
read -r line < ready
relay_url=ws://127.0.0.1:${line#ready port=}

# The same names, other numbers: of some weights the order is another.
cp -r "$model" other
perl -e 'open my $f, "+<:raw", "other/model.safetensors" or die;
    my $n = 24000; seek $f, -$n, 2; read $f, my $bytes, $n;
    seek $f, -$n, 2; print $f join "", reverse unpack "(a4)*", $bytes'

# Before the liar stands what makes its receipts say that they are of the real weights: signed by its
# own key, and of the same length.
cat > lie.pl << 'END'
use IO::Socket::INET;
use IO::Select;
my ($to, $shoal, $from_root, $to_root) = @ARGV;
my $server = IO::Socket::INET->new(Listen => 64, LocalAddr => "127.0.0.1") or die;
$| = 1;
$SIG{CHLD} = "IGNORE";
print $server->sockport, "\n";
sub lie {
    my ($receipt) = @_;
    my ($at) = $receipt =~ /"created_at":(\d+)/;
    my ($tags) = $receipt =~ /"tags":\[(.*)\],"content"/;
    $tags =~ s/$from_root/$to_root/;
    $SIG{CHLD} = "DEFAULT";
    open my $pipe, "-|", $shoal, "event", "--kind", 8430, "--created-at", $at, "--key", "liar",
        "--password-file", "password", map { ("--tag", $_) } $tags =~ /\[[^\]]*\]/g or die;
    my $new = <$pipe>;
    chomp $new;
    return length $new == length $receipt ? $new : $receipt;
}
while (1) {
    my $client = $server->accept or next;
    next if fork;
    my $node = IO::Socket::INET->new("127.0.0.1:$to") or exit;
    my $both = IO::Select->new($client, $node);
    while (1) {
        for my $from ($both->can_read) {
            sysread $from, my $bytes, 65536 or exit;
            $bytes =~ s/"receipt":(\{.*?"sig":"[0-9a-f]*"\})/'"receipt":' . lie($1)/es if $from == $node;
            syswrite $from == $node ? $client : $node, $bytes;
        }
    }
}
END
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
root_of() { "$node" inspect --json "$1" | member root; }

sell() # name, model, port, url
{
    run identity new --password-file password --cost 4 --key "$1" > "$1.json"
    "$node" mint init "$1.seed" --mint-password-file password > /dev/null 2>&1
    "$node" serve --name demo --listen "127.0.0.1:$3" --mint "$1.seed" --mint-password-file password \
        --mint-policy policy --database "$TEST_DB dbname=shoal_audit_$$_$1" --announce \
        --relay "$relay_url" --key "$1" --password-file password --price 100000/400000/10000/1 \
        --mint-url "$4" "$2" > "$1.log" 2> "$1.err" &
    children+=($!)
    tail -n +1 -F "$1.err" 2> /dev/null | grep -q -m 1 'is there'
    write wallet mint add "$4" > /dev/null || cat error
    write wallet grant --mint "$4" > /dev/null || cat error
}
honest_port=$(free_port)
honest_url=http://127.0.0.1:$honest_port
sell honest "$model" "$honest_port" "$honest_url"
liar_port=$(free_port)
mkfifo between.ready
perl lie.pl "$liar_port" "$shoal" "$(root_of other)" "$(root_of "$model")" > between.ready &
children+=($!)
read -r outer < between.ready
liar_url=http://127.0.0.1:$outer
sell liar other "$liar_port" "$liar_url"
liar=$(member pubkey < liar.json)
honest=$(member pubkey < honest.json)

infer() { write infer --relay "$relay_url" --wait 0 --max-tokens 40 "$@" 'What is a relay?'; }
audit() { write audit --relay "$relay_url" --wait 0 "$@"; }
of_relay() { "$shoal" req "$relay_url" "{\"kinds\":[$1]}"; }
receipt_of() { "$shoal" export | grep '"kind":8430' | grep "\"pubkey\":\"$1\"" | tail -n 1 | member id; }

# ---- another model, under the name of the real one ----

infer --node "$liar_url" > said || cat error
check 'the liar is paid' "$liar" "$(member node < said)"
bad=$(receipt_of "$liar")
check 'its receipt names the real weights' 1 "$("$shoal" export | grep "^{\"id\":\"$bad\"" | grep -c "\[\"model\",\"$(root_of "$model")\"")"
audit "$bad" > judged
check 'which is found' 1 $?
check 'by the honest one' "$honest wrong" "$(member auditor < judged) $(member verdict < judged)"
check 'of all tokens' "$(tail -n 1 said | member output_tokens)" "$(member checked < judged)"
of_relay 8433 > verdicts
check 'everybody is told' "1 1" "$(grep -c "\[\"p\",\"$liar\"\],\[\"verdict\",\"wrong\"\]" verdicts) $(grep -c "\"pubkey\":\"$(member pubkey < me)\"" verdicts)"
infer --explain --dry-run > /dev/null
check 'it is asked after the other' 1 "$(grep -c "^1\. $(printf %.8s "$honest")" error)"

# ---- an honest one, which the liar cannot check: its weights are others ----

infer --node "$honest_url" > said || cat error
good=$(receipt_of "$honest")
audit "$good" > /dev/null
check 'nobody else has these weights' '1 1' "$? $(grep -c 'no node fits\|no node offers' error)"
mkfifo again.ready 2> /dev/null
again_port=$(free_port)
names="$names again"
sql -c "CREATE DATABASE shoal_audit_$$_again"
sell again "$model" "$again_port" "http://127.0.0.1:$again_port"
audit "$good" --dry-run > judged || cat error
check 'who would be asked' "$(member pubkey < again.json) true" "$(member node < judged) $(member dry_run < judged)"
check 'it was not' "$(wc -l < verdicts)" "$(of_relay 8433 | wc -l)"
audit "$good" > judged || cat error
check 'right' "$(member pubkey < again.json) right" "$(member auditor < judged) $(member verdict < judged)"
check 'to the last token' "$(member checked < judged)" "$(member same < judged)"
check 'paid as a prompt is' 1 "$(( $(member spent < judged) > 1 ))"
audit "$(printf %.8s "$good")" --node "http://127.0.0.1:$again_port" --max-price 0.02 > /dev/null
check 'too dear' '1 1' "$? $(grep -c 'too dear' error)"
status_of 2 audit
status_of 2 audit "$good" --max-price x
audit zz > /dev/null
check 'no id' '1 1' "$? $(grep -c 'expected the id of a job' error)"
audit 00000000000000 > /dev/null
check 'no job' '1 1' "$? $(grep -c 'no answer of that id' error)"

# ---- two receipts of one quote ----

tags() { "$shoal" export | grep "^{\"id\":\"$good\"" | sed 's/.*"tags":\[\(.*\)\],"content".*/\1/' | grep -o '\[[^]]*\]'; }
arguments=()
while read -r tag; do
    arguments+=(--tag "$(printf %s "$tag" | sed 's/\["amount","[0-9]*"/["amount","999"/')")
done < <(tags)
"$shoal" event --kind 8430 --key honest --password-file password "${arguments[@]}" > second
"$shoal" import - < second > /dev/null
second=$(member id < second)
audit "$good" "$bad" > /dev/null
check 'of two nodes' '1 1' "$? $(grep -c 'two keys' error)"
audit "$good" "$second" --dry-run > proof || cat error
check 'it can be proven' "$honest true 0" "$(member node < proof) $(member dry_run < proof) $(of_relay 8434 | wc -l)"
audit "$good" "$second" > proof || cat error
check 'a proof' "$honest" "$(member node < proof)"
check 'for everybody' 1 "$(of_relay 8434 | grep -c "\[\"p\",\"$honest\"\],\[\"e\",\"$good\"\],\[\"e\",\"$second\"\]")"
infer --node "$honest_url" --dry-run > /dev/null
check 'asked no more' '1 1' "$? $(grep -c 'cannot both be true' error)"

echo "$checks checks, $failures failures"
[ $failures = 0 ]
