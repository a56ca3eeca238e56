#!/bin/bash
# A buyer and a node that share nothing but relays: neither is told where the other listens. Credit is
# granted, sent, received and found again; answers are bought, also when either of them dies in the
# middle; nobody but the two can read a word of it.
#
#     tests/shoal_afar.sh SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops databases for it.
node=$(realpath "$2")
model=$(realpath "$3")
relay=$(realpath "$4")
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
database=shoal_afar_$$
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
run identity new --password-file password --cost 4 > /dev/null
run identity new --password-file password --cost 4 --key friend > /dev/null
run identity new --password-file password --cost 4 --key seller > seller.json
seller=$(member pubkey < seller.json)
printf '{"pow_bits":8,"relay_grant":10000000,"day_grant":10000000}\n' > policy
"$node" mint init seed --mint-password-file password > /dev/null 2> error || cat error

mkfifo relay.ready
SHOAL_RELAY_DATABASE="$TEST_DB dbname=${database}_relay" SHOAL_RELAY_LISTEN_PORT=0 \
    XDG_RUNTIME_DIR="$home" "$relay" > relay.ready 2> relay.log &
children+=($!)
exec 3< relay.ready
read -r -u 3 line || { cat relay.log; exit 1; }
relay_url=ws://127.0.0.1:${line#ready port=}

sell() # until it hears what is for it
{
    rm -f node.ready
    mkfifo node.ready
    "$node" serve --name demo --listen 127.0.0.1:0 --mint seed --mint-password-file password \
        --mint-policy policy --database "$TEST_DB dbname=$database" --announce --relay "$relay_url" \
        --key seller --password-file password --price 100000/400000/10000/1 "$model" \
        > node.log 2> node.ready &
    seller_pid=$!
    children+=("$seller_pid")
    exec 4< node.ready
    while read -r -u 4 line; do
        case $line in
        *' mint=nostr:'*) url=nostr:${line##* mint=nostr:} ;;
        *'tells what is for us'*) break ;;
        esac
    done
    cat <&4 > node.more &
    case $line in *'tells'*) ;; *) echo "no node: $line"; exit 1 ;; esac
}
sell

of_mine() # member, home
{
    "$shoal" wallet balance --home "$2" --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
friend() { "$shoal" wallet "$@" --home b --key friend --password-file password 2> error; }
fails() # why, argument...
{
    why=$1
    shift
    "$shoal" "$@" --password-file password > output 2> error < /dev/null
    check "status of $*" 1 $?
    check "why of $*: $(cat error)" 1 "$(grep -c -- "$why" error)"
}

# ---- credit ----

fails 'nostr:nprofile1' wallet mint add "nostr:$seller" --home a
check 'a mint' "{\"mint\":\"$url\"}" "$(write wallet mint add "$url" --home a)"
check 'granted' "{\"granted\":1000,\"unit\":\"ccr-promo\",\"mint\":\"$url\"}" "$(write wallet grant --home a)"
check 'is there' 1000 "$(of_mine units a)"
fails 'granted before' wallet grant --home a
write wallet send 1.37 --home a | member token > paper
friend mint add "$url" > /dev/null
check 'received' 137 "$(friend receive < paper | member received)"
check 'and is there' 137 "$(of_mine units b)"
check 'and gone' '863 0' "$(write wallet sync --home a > /dev/null; echo "$(of_mine units a) $(of_mine given a)")"
write wallet mint add "$url" --home c > /dev/null
check 'found again' 863 "$(write wallet restore --home c > /dev/null; of_mine units c)"

# What passed over the relay and is kept there: nothing of it.
check 'no relay keeps it' 'an offer' "$("$shoal" req "$relay_url" '{}' | grep -q '"kind":38430' && echo an offer)"
check 'and nothing else' 0 "$("$shoal" req "$relay_url" '{}' | grep -vc '"kind":38430')"

# ---- jobs ----

infer() { write infer --home a --relay "$relay_url" --wait 0 "$@"; }
words() { sed -n 's/^{"text":"\(.*\)"}$/\1/p' "$1" | tr -d '\n'; }
# All that is gone is what the node's jobs cost; nothing is under way.
even()
{
    check "$1: all is counted" "$((863 - $(of_node 'SELECT sum(cost) FROM shoal_node.job'))) 0" "$(of_mine units a) $(of_mine pending a)"
}
wanted='A relay stores events and sends them to whoever asks for them.'
infer --wait 60 'What is a relay?' > said || cat error
check 'it says' "$wanted" "$(words said)"
check 'who' "$seller" "$(member node < said)"
spent=$(tail -n 1 said | member spent)
check 'something' 1 "$(( spent > 1 && spent < $(tail -n 1 said | member sent) ))"
even 'an answer'
"$shoal" export --home a > kept
check 'its receipt is kept' 1 "$(grep '"kind":8430' kept | grep -c "\[\"amount\",\"$spent\"")"
infer --encrypt --no-receipt 'What is a relay?' > said || cat error
check 'sealed' "$wanted" "$(words said)"
check 'no relay has a word of it' 0 "$("$shoal" req "$relay_url" '{}' | grep -c 'stores events')"
infer --max-tokens 3 Hello > said
check 'cut off' '"finish":"length"' "$(tail -n 1 said | grep -o '"finish":"length"')"
even 'so far'

# While somebody has the lock, the second window of an answer waits.
of_node "CREATE FUNCTION shoal_node.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END';
CREATE TRIGGER hold BEFORE INSERT ON shoal_node.job_window FOR EACH ROW WHEN (NEW.seq > 0) EXECUTE FUNCTION shoal_node.hold()"
lock()
{
    mkfifo lock.in lock.out
    psql -qtA "$TEST_DB dbname=$database" < lock.in > lock.out &
    children+=($!)
    exec 6> lock.in 7< lock.out
    echo "SELECT 'locked' FROM pg_advisory_lock(7);" >&6
    read -r -u 7 _
}
release()
{
    echo "SELECT 'free' FROM pg_advisory_unlock(7);" >&6
    read -r -u 7 _
    exec 6>&- 7<&-
    rm -f lock.in lock.out
}
begin() # until there are words
{
    lock
    : > said
    "$shoal" infer --home a --relay "$relay_url" --wait 0 --password-file password 'What is a relay?' > said 2> error &
    asking=$!
    tail -n +1 -F said 2> /dev/null | grep -q -m 1 '"text"'
}
begin
kill -INT "$asking"
# The cancellation waits for the window that waits for us.
until [ "$(of_node "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")" = 2 ]; do
    perl -e 'select undef, undef, undef, 0.05'
done
release
wait "$asking"
check 'interrupted' '1 1' "$? $(grep -c 'interrupted' error)"
check 'with the change' '"settled":true' "$(tail -n 1 said | grep -o '"settled":[a-z]*')"
even 'interrupted'

# The node is killed, and comes back: who waits hears the rest.
begin
kill -9 "$seller_pid"
wait "$seller_pid" 2> /dev/null
release
sell
of_node 'UPDATE shoal_node.job SET lease_until = now() WHERE state IN (2, 3)' # time goes by
wait "$asking"
check 'whole, though the node had died' "0 $wanted" "$? $(words said)"
even 'came back'

# The buyer is killed, and comes back for his change.
begin
kill -9 "$asking"
wait "$asking" 2> /dev/null
release
until [ "$(of_node 'SELECT count(*) FROM shoal_node.job WHERE state IN (1, 2, 3)')" = 0 ]; do
    perl -e 'select undef, undef, undef, 0.05'
done
check 'under way' 1 "$(( $(of_mine pending a) > 0 ))"
write wallet sync --home a > /dev/null || cat error
even 'vanished'

# Nobody there any more.
kill -9 "$seller_pid"
fails 'no answer in time' wallet grant --home b --key friend --timeout 1

echo "$checks checks, $failures failures"
[ $failures = 0 ]
