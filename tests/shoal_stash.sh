#!/bin/bash
# The wallet over relays: sealed by one device, found and spent by another of the same key; what was
# spent before it was told is not spent twice, and not lost.
#
#     tests/shoal_stash.sh SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops databases for it.
node=$(realpath "$2")
model=$(realpath "$3")
relay=$(realpath "$4")
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
database=shoal_stash_$$
sql() { psql -qtA "$TEST_DB" "$@"; }
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
me=$(member pubkey < me)
printf '{"pow_bits":8,"address_grant":10000000,"day_grant":10000000,"relay_grant":10000000}\n' > policy
"$node" mint init seed --mint-password-file password > /dev/null 2> error || cat error

mkfifo relay.ready node.ready
SHOAL_RELAY_DATABASE="$TEST_DB dbname=${database}_relay" SHOAL_RELAY_LISTEN_PORT=0 \
    XDG_RUNTIME_DIR="$home" "$relay" > relay.ready 2> relay.log &
children+=($!)
exec 3< relay.ready
read -r -u 3 line || { cat relay.log; exit 1; }
relay_url=ws://127.0.0.1:${line#ready port=}
"$node" serve --listen 127.0.0.1:0 --mint seed --mint-password-file password --mint-policy policy \
    --database "$TEST_DB dbname=$database" "$model" > node.log 2> node.ready &
children+=($!)
exec 4< node.ready
url=
while [ -z "$url" ] && read -r line <&4; do
    case $line in *'ready http:'*) url=http:${line##*ready http:} ;; esac
    url=${url%% *}
done
cat <&4 > node.more &
[ -n "$url" ] || { echo "no node"; cat node.log; exit 1; }

of() # home, member
{
    "$shoal" wallet balance --home "$1" --json | sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
wallet() # home, words...
{
    at=$1
    shift
    "$shoal" wallet "$@" --home "$at" --password-file password 2> error || cat error
}
meet() # home: what it has and the relay has
{
    "$shoal" sync --home "$1" --password-file password --author "$me" "$relay_url" > output 2> error || cat error
}
of_relay() { "$shoal" req "$relay_url" "{\"authors\":[\"$me\"],\"kinds\":[$1]}"; }

# ---- one device ----

"$shoal" remote add "$relay_url" --home a > /dev/null
"$shoal" remote add "$relay_url" --home b > /dev/null
wallet a mint add "$url" > /dev/null
wallet a grant > /dev/null
wallet a sync > /dev/null
meet a
check 'where there is credit' 1 "$(of_relay 17375 | grep -c '"kind":17375')"
check 'coins' 1 "$(of_relay 7375 | grep -c '"kind":7375')"
check 'a move' 1 "$(of_relay 7376 | grep -c '"kind":7376')"
check 'sealed' 0 "$("$shoal" req "$relay_url" "{\"authors\":[\"$me\"]}" | grep -c "ccr\|$url\|secret")"
wallet a sync > /dev/null
check 'what is told is not told again' 3 "$("$shoal" export --home a | grep -cE '"kind":(17375|7375|7376)')"

# ---- another ----

meet b
check 'knows no mint' '' "$(wallet b mint list)"
wallet b restore > /dev/null
check 'has all of it' 1000 "$(of b units)"
check 'and the mint' 1 "$(wallet b mint list | grep -c "$url")"
wallet b send 3 | member token > sent
wallet b sync > /dev/null
meet b
check 'other coins' 1 "$(of_relay 7375 | grep -c '"kind":7375')"
check 'in the place of the first' 1 "$(of_relay 5 | grep -c '\["k","7375"\]')"
meet a
wallet a sync > /dev/null
check 'the first knows' '700 700' "$(of a units) $(of b units)"

# ---- both at once ----

wallet a send 1.37 > one &
first=$!
wallet b send 0.73 > two
wait "$first"
check 'both have sent' 2 "$(cat one two | grep -c cashuB)"
cat one two sent | sed -n 's/.*\(cashuB[A-Za-z0-9_-]*\).*/\1/p' > all
run identity new --password-file password --cost 4 --key friend > /dev/null
"$shoal" wallet mint add "$url" --home f --key friend --password-file password > /dev/null 2> error || cat error
while read -r each; do
    printf '%s\n' "$each" > each
    "$shoal" wallet receive each --home f --key friend --password-file password > output 2> error || cat error
done < all
check 'three tokens are good' 510 "$(of f units)"
for one in a b a; do
    meet $one
    wallet $one sync > /dev/null
    meet $one
done
wallet b restore > /dev/null
check 'nothing is lost' '490 490' "$(of a units) $(of b units)"

# ---- killed before it was told ----

wallet a send 2 | member token > sent
# It goes no further: what relays have is what was. Another device takes it, and asks the mint.
"$shoal" remote add "$relay_url" --home d > /dev/null
meet d
"$shoal" wallet receive sent --home f --key friend --password-file password > output 2> error || cat error
wallet d restore > /dev/null
check 'what is spent is not there' 290 "$(of d units)"
check 'which the friend has' 710 "$(of f units)"
"$shoal" wallet sync --home a --password-file password > output 2> error &
telling=$!
kill -9 "$telling"
wait "$telling" 2> error
wallet a sync > /dev/null
meet a
meet d
wallet d sync > /dev/null
check 'all agree' '290 290' "$(of a units) $(of d units)"
check 'one event of coins, at each' '1 1' "$("$shoal" export --home a | grep -c '"kind":7375') $(of_relay 7375 | grep -c '"kind":7375')"

echo "$checks checks, $failures failures"
[ $failures = 0 ]
