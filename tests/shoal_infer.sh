#!/bin/bash
# An answer that is bought: a node announces its model and its price at a relay, a wallet is granted
# credit, and pays for what it hears, to the unit; what is cut short, and what is refused.
#
#     tests/shoal_infer.sh SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops databases for it.
node=$(realpath "$2")
model=$(realpath "$3")
relay=$(realpath "$4")
tests=$(realpath "$(dirname "$0")")
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
database=shoal_infer_$$
sql() { psql -qtA "$TEST_DB" "$@"; }
of_node() { psql -qtA "$TEST_DB dbname=$database" -c "$1"; }
sql -c "CREATE DATABASE $database" && sql -c "CREATE DATABASE ${database}_relay" || exit 1
children=()
end()
{
    for child in "${children[@]}"; do kill "$child" && wait "$child"; done 2> /dev/null
    sql -c "DROP DATABASE $database WITH (FORCE)" -c "DROP DATABASE ${database}_relay WITH (FORCE)"
    rm -rf "$home"
}
trap end EXIT

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > me
run identity new --password-file password --cost 4 --key seller > seller.json
seller=$(member pubkey < seller.json)
printf '{"pow_bits":8,"address_grant":10000000,"day_grant":10000000,"relay_grant":10000000}\n' > policy
"$node" mint init seed --mint-password-file password > /dev/null 2> error || cat error

await() # file, words: until they are there
{
    tail -n +1 -F "$1" 2> /dev/null | grep -q -m 1 -- "$2"
}

mkfifo relay.ready
SHOAL_RELAY_DATABASE="$TEST_DB dbname=${database}_relay" SHOAL_RELAY_LISTEN_PORT=0 \
    XDG_RUNTIME_DIR="$home" "$relay" > relay.ready 2> relay.log &
children+=($!)
exec 3< relay.ready
read -r -u 3 line || { cat relay.log; exit 1; }
relay_url=ws://127.0.0.1:${line#ready port=}

# Before the node stands one that falls silent in the middle of an answer while there is a file "stall".
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
port=$(free_port)
mkfifo between.ready
perl "$tests/between.pl" "$port" stall > between.ready &
children+=($!)
exec 5< between.ready
read -r -u 5 outer
url=http://127.0.0.1:$outer
sell()
{
    mkfifo node.ready 2> /dev/null
    "$node" serve --name demo --listen "127.0.0.1:$port" --mint seed --mint-password-file password \
        --mint-policy policy --database "$TEST_DB dbname=$database" --announce --relay "$relay_url" \
        --key seller --password-file password --price 100000/400000/10000/1 --mint-url "$url" \
        "$model" > node.log 2> node.ready &
    seller_pid=$!
    children+=("$seller_pid")
    exec 4< node.ready
    while read -r -u 4 line; do
        case $line in *'is there'*) break ;; esac
    done
    cat <&4 > node.more &
    case $line in *'is there'*) ;; *) echo "no node: $line"; exit 1 ;; esac
}

of_mine() # member
{
    "$shoal" wallet balance --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
infer() { write infer --relay "$relay_url" --wait 0 "$@"; }
fails() # why, argument...
{
    why=$1
    shift
    "$shoal" infer --relay "$relay_url" --wait 0 --password-file password "$@" > output 2> error < /dev/null
    check "status of infer $*" 1 $?
    check "why of infer $*: $(cat error)" 1 "$(grep -c -- "$why" error)"
}

# ---- nobody, and nothing to pay with ----

fails 'no node offers' Hello
sell
status_of 2 infer --relay "$relay_url"
status_of 2 infer --relay "$relay_url" --max-tokens 0 Hello
status_of 2 infer --relay "$relay_url" --max-price x Hello
fails "no credit there: shoal wallet mint add $url" Hello
write wallet mint add "$url" > /dev/null
fails 'there are 0 at .*wallet grant, or receive' Hello
write wallet grant > /dev/null
check 'granted' 1000 "$(of_mine units)"
fails 'too dear: [0-9]*, and at most 2' --max-price 0.02 Hello
fails 'another model' --model other Hello
fails 'offers nothing' --node "$(member pubkey < me)" Hello
fails 'context of 256 is too short' --max-tokens 10000 Hello
check 'nothing was spent' '1000 0 0' "$(of_mine units) $(of_mine given) $(of_mine pending)"

# ---- a trial ----

check 'a trial' 1 "$(infer --dry-run Hello | grep -c "{\"node\":\"$seller\",\"sent\":[0-9]*,\"unit\":\"ccr-promo\",\"dry_run\":true}")"
check 'spends nothing' '1000 0 0' "$(of_mine units) $(of_mine given) $(of_mine pending)"

# ---- an answer ----

words() { sed -n 's/^{"text":"\(.*\)"}$/\1/p' "$1" | tr -d '\n'; }
infer --wait 60 --explain 'What is a relay?' > said || cat error
check 'it says' 'A relay stores events and sends them to whoever asks for them.' "$(words said)"
check 'who' "$seller" "$(member node < said)"
check 'why' 1 "$(grep -c '^1\. [0-9a-f]* demo: costs [0-9]*, reputation' error)"
spent=$(tail -n 1 said | member spent)
check 'something' 1 "$(( spent > 1 && spent < $(tail -n 1 said | member sent) ))"
check 'gone from the balance' "$(( 1000 - spent )) 0 0" "$(of_mine units) $(of_mine given) $(of_mine pending)"
check 'as the node has it' "$spent" "$(of_node 'SELECT sum(cost) FROM shoal_node.job')"
"$shoal" export > kept
check 'its receipt is kept' 1 "$(grep -c "\"kind\":8430" kept)"
check 'and says the same' 1 "$(grep '"kind":8430' kept | grep -c "\[\"amount\",\"$spent\"")"

# The buyer has said so, under a key of the session, and the relay has it, with the receipt in it.
of_relay() { "$shoal" req "$relay_url" '{"kinds":[8431]}'; }
of_relay > words
check 'a counter-receipt' 1 "$(grep -c '"kind":8431' words)"
check 'of that' 1 "$(grep -c "\[\"p\",\"$seller\"\].*\[\"amount\",\"$spent\",\"ccr-promo\"\],\[\"metrics\",\"1\"" words)"
check 'with the receipt' 1 "$(grep -c '"content":"{.*8430' words)"
check 'not by who it is of' 0 "$(grep -c "\"pubkey\":\"$(member pubkey < me)\"" words)"
check 'kept' 1 "$(grep -c '"kind":8431' kept)"

# On a terminal; the prompt from standard input; the node by name.
before=$(of_mine units)
script -qec "printf Hello | '$shoal' infer --relay $relay_url --wait 0 --password-file password --node $url -" /dev/null < /dev/null > output
check 'in words' 1 "$(grep -c 'Hello! Ask me what a relay is\.' output)"
check 'and what it cost' 1 "$(grep -c 'demo: 0\.[0-9]* credits ccr-promo, change 0\.[0-9]*; [0-9]* and 30 tokens in' output)"
check 'which was paid' 1 "$(( $(of_mine units) < before && $(of_mine given) == 0 ))"
infer --max-tokens 3 --no-receipt --explain Hello > said
check 'known from before' 1 "$(grep -c '(here 2 of 2 went well, elsewhere 0 of 0), first token after [0-9]* ms (measured)' error)"
check 'who was not told of it' 2 "$(of_relay | grep -c '"kind":8431')"
check 'cumulative' 1 "$("$shoal" export | grep -c "\[\"metrics\",\"3\"")"
check 'cut off' '"finish":"length"' "$(tail -n 1 said | grep -o '"finish":"length"')"

# ---- cut short ----

# What was spent is what the node's jobs cost: no more, and none of it is under way.
even()
{
    check "$1: all is counted" "$((1000 - $(of_node 'SELECT sum(cost) FROM shoal_node.job'))) 0 0" \
        "$(of_mine units) $(of_mine given) $(of_mine pending)"
}
even 'so far'
begin() # until there are words; option...
{
    touch stall
    : > said
    "$shoal" infer --relay "$relay_url" --wait 0 --password-file password "$@" 'What is a relay?' > said 2> error &
    asking=$!
    await said '"text"'
}
begin
kill -INT "$asking"
wait "$asking"
check 'interrupted' '1 1' "$? $(grep -c 'interrupted' error)"
check 'with the change' '"settled":true' "$(tail -n 1 said | grep -o '"settled":[a-z]*')"
even 'interrupted'

begin --timeout 1
kill -9 "$seller_pid"
wait "$asking"
check 'killed' '1 1' "$? $(grep -c 'breaks off' error)"
check 'which is said' '1 1' "$(grep -c 'shoal wallet sync' error) $(tail -n 1 said | grep -c '"settled":false')"
rm stall
sell
of_node 'UPDATE shoal_node.job SET lease_until = now() WHERE state IN (2, 3)' # time goes by
until [ "$(of_node 'SELECT count(*) FROM shoal_node.job WHERE state IN (1, 2, 3)')" = 0 ]; do
    perl -e 'select undef, undef, undef, 0.05'
done
write wallet sync > /dev/null || cat error
even 'killed'
infer --explain --dry-run Hello > /dev/null
check 'what came to no good is known' 1 "$(grep -c '(here 3 of 4 went well, elsewhere 0 of 0)' error)"
check 'here alone' 2 "$(of_relay | grep -c '"kind":8431')"

# Nothing comes any more, but the node is there: asked for the rest, it tells that.
begin --timeout 1
wait "$asking"
check 'whole all the same' '0 A relay stores events and sends them to whoever asks for them.' "$? $(words said)"
check 'and settled' '"settled":true' "$(tail -n 1 said | grep -o '"settled":[a-z]*')"
rm stall
even 'the rest'
check 'and asked again' 'Hello! Ask me what a relay is.' "$(infer Hello > said; words said)"
even 'in the end'

# Nobody there any more, though the offer is.
kill -9 "$seller_pid"
before=$(of_mine units)
fails 'http://127.0.0.1' Hello
check 'nothing is gone' "$before 0 0" "$(of_mine units) $(of_mine given) $(of_mine pending)"

echo "$checks checks, $failures failures"
[ $failures = 0 ]
