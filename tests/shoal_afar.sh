#!/bin/bash
# A buyer and a node that share nothing but relays: neither is told where the other listens. Credit is
# granted, sent, received and found again; nobody but the two can read a word of it.
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

# Nobody there any more.
kill -9 "$seller_pid"
fails 'no answer in time' wallet grant --home b --key friend --timeout 1

echo "$checks checks, $failures failures"
[ $failures = 0 ]
