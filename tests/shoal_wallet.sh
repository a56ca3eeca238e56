#!/bin/bash
# The wallet against the mint of a node: granted, sent, received, found again by the key alone, and
# killed at any moment; every coin is counted.
#
#     tests/shoal_wallet.sh SHOAL_BINARY NODE_BINARY MODEL
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops a database for it.
node=$(realpath "$2")
model=$(realpath "$3")
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
database=shoal_wallet_$$
psql -q "$TEST_DB" -c "CREATE DATABASE $database" || exit 1
child=
end()
{
    [ -z "$child" ] || { kill "$child"; wait "$child"; } 2> /dev/null
    psql -q "$TEST_DB" -c "DROP DATABASE $database WITH (FORCE)"
    rm -rf "$home"
}
trap end EXIT

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null
run identity new --password-file password --cost 4 --key friend > /dev/null
printf '{"pow_bits":8,"address_grant":10000000,"day_grant":10000000,"relay_grant":10000000,"input_fee_ppk":100}\n' > policy
"$node" mint init seed --mint-password-file password > /dev/null 2> error || cat error
serve()
{
    rm -f ready
    mkfifo ready
    "$node" serve --listen "$1" --mint seed --mint-password-file password --mint-policy policy \
        --database "$TEST_DB dbname=$database" "$model" > log 2> ready &
    child=$!
    exec 3< ready
    url=
    while [ -z "$url" ] && read -r line <&3; do
        case $line in *'ready http:'*) url=http:${line##*ready http:} ;; esac
        url=${url%% *}
    done
    cat <&3 > log2 &
}
serve 127.0.0.1:0
[ -n "$url" ] || { echo "no node"; cat log; exit 1; }

# What there is of something at a home, in units.
sum() # member, home
{
    "$shoal" wallet balance --home "$2" --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}

friend() { "$shoal" wallet "$@" --home b --key friend --password-file password 2> error; }
history() { "$shoal" wallet history "$@"; }
failed() # wanted status, why, argument...
{
    wanted=$1 why=$2
    shift 2
    "$shoal" wallet "$@" --password-file password > output 2> error < /dev/null
    check "status of wallet $*" "$wanted" $?
    check "why of wallet $*" 1 "$(grep -c -- "$why" error)"
}

# ---- a mint ----

failed 1 'no mint yet' grant --home a
failed 1 'expected https' mint add http://example.com --home a
failed 1 'Could not connect\|connect to server' mint add http://127.0.0.1:9 --home a
check 'no mint that was never there' '' "$(write wallet mint list --home a)"
check 'a trial' "{\"mint\":\"$url\",\"dry_run\":true}" "$(write wallet mint add "$url/" --dry-run --home a)"
check 'adds none' '' "$(write wallet mint list --home a)"
for key in .config/shoal/key friend; do # which would be of the first
    check "no wallet by a trial: $key" 1 "$(write wallet mint add "$url" --dry-run --home f --key $key | grep -c dry_run)"
done
check 'a mint' "{\"mint\":\"$url\"}" "$(write wallet mint add "$url/" --home a)"
check 'is listed' "{\"mint\":\"$url\",\"typical\":500}" "$(write wallet mint list --home a)"
status_of 2 wallet mint remove
status_of 2 wallet mint add

# ---- credit ----

check 'would be granted' "{\"granted\":0,\"unit\":\"ccr-promo\",\"mint\":\"$url\",\"dry_run\":true}" "$(write wallet grant --dry-run --home a)"
check 'was not' 0 "$(sum units a)"
check 'granted' "{\"granted\":1000,\"unit\":\"ccr-promo\",\"mint\":\"$url\"}" "$(write wallet grant --home a)"
check 'is there' 1000 "$(sum units a)"
failed 1 'granted before' grant --home a
failed 1 'wants a job' grant --stage 2 --home a
failed 1 'stage: 1 to 4' grant --stage 0 --home a
failed 1 'the mint says' buy 5 --home a
failed 1 'over 20 typical jobs' buy 100000 --home a
failed 1 'expected credits' buy 1.005 --home a
check 'nothing bought' "{\"bought\":500,\"unit\":\"ccr\",\"mint\":\"$url\",\"dry_run\":true}" "$(write wallet buy 5 --home a --dry-run)"
check 'still there' 1000 "$(sum units a)"

# ---- tokens ----

check 'nothing paid' "{\"paid\":0,\"fee\":0,\"unit\":\"ccr\",\"mint\":\"$url\",\"preimage\":\"\",\"dry_run\":true}" "$(write wallet pay lnbc1 --home a --dry-run)"
check 'would be sent' "{\"sent\":137,\"unit\":\"ccr-promo\",\"mint\":\"$url\",\"dry_run\":true}" "$(write wallet send 1.37 --dry-run --home a)"
check 'was not' 1000 "$(sum units a)"
write wallet send 1.37 --memo 'for fish' --home a | member token > paper
check 'handed out' 137 "$(sum given a)"
fee=$(( 1000 - 137 - $(sum units a) ))
check 'for a fee of its coins' 1 "$(( fee >= 0 && fee <= 2 ))"
check 'kept until it is taken' "$(cat paper)" "$(history --tokens --home a | member token)"
check 'no secret unless it is asked for' 0 "$(history --home a | grep -c cashuB)"
failed 2 'a token is money' receive "$(cat paper)" --home b --key friend
check 'not repeated' 0 "$(grep -c "$(cut -c 1-40 paper)" error)"
failed 1 'none of yours' receive paper --home b --key friend
friend mint add "$url" > /dev/null
check 'would be received' 137 "$(friend receive paper --dry-run | member received)"
friend receive < paper > output
check 'received, less what that costs' "$(member received < output)" "$(sum units b)"
check 'nearly all' 1 "$(( $(sum units b) >= 135 ))"
failed 1 'the mint says' receive paper --home b --key friend
check 'not twice' 1 "$(( $(sum units b) <= 137 ))"
write wallet sync --home a > /dev/null
check 'taken' '0 0' "$(sum given a) $(sum pending a)"
check 'no token left' '' "$(history --tokens --home a | member token)"

# One's own, taken back.
before=$(sum units a)
write wallet send 0.5 --home a | member token > paper
write wallet receive paper --home a > /dev/null
check 'taken back' 1 "$(( $(sum units a) >= before - 3 && $(sum given a) == 0 ))"

# What is bent is refused before the mint is asked.
write wallet send 0.08 --home a | member token > paper
tail -c 200 paper > part
failed 1 'expected a token' receive part --home b --key friend
write wallet receive paper --home a > /dev/null

# More than is kept at one node.
friend mint add "$url" --typical-job 1 > /dev/null
write wallet send 0.3 --home a | member token > paper
failed 1 'typical jobs' receive paper --home b --key friend
check 'by force' 1 "$(friend receive paper --force | grep -c received)"
failed 1 'not enough' send 900 --unit ccr-promo --home a
failed 1 'not enough in any' send 900 --home a
failed 1 'signs nothing\|not enough' send 1 --unit ccr --home a

# ---- the key alone ----

write wallet mint add "$url" --home again > /dev/null
check 'nothing here' 0 "$(sum units again)"
check 'would be restored' 1 "$(write wallet restore --dry-run --home again | grep -c dry_run)"
write wallet restore --home again > /dev/null
check 'all that the key ever had' "$(sum units a)" "$(sum units again)"

# Two devices with one key do not get in each other's way.
write wallet send 0.2 --home a | member token > paper
check 'its coins were signed before' 1 "$(write wallet receive paper --home again --force | grep -c received)"

# ---- killed at any moment ----

cp -r a k
write wallet restore --home k > /dev/null
total() { echo "$(( $(sum units k) + $(sum given k) + $(sum pending k) ))"; }
all=$(total)
round=0
while [ $round -lt 14 ]; do
    round=$((round + 1))
    before=$(total)
    if [ $((round % 2)) = 0 ]; then
        "$shoal" wallet send 0.3$((round % 10)) --unit ccr-promo --home k --password-file password > paper.new 2> error &
    else
        "$shoal" wallet receive paper.kept --force --home k --password-file password > /dev/null 2> error &
    fi
    victim=$!
    perl -e 'select undef, undef, undef, $ARGV[0] / 1000' $((round * 30))
    kill -9 $victim 2> /dev/null
    wait $victim 2> /dev/null
    write wallet sync --home k > /dev/null
    check "round $round: nothing is under way" 0 "$(sum pending k)"
    after=$(total)
    # A swap costs a tenth of a unit for each coin.
    check "round $round: nothing is lost" 1 "$(( after <= before && after >= before - 3 ))"
    history --tokens --home k | member token | head -1 > paper.kept
done
echo "of $all units $(total) after $round kills"
write wallet send 0.01 --unit ccr-promo --home k > /dev/null
check 'the store is whole' 0 "$("$shoal" fsck --home k > /dev/null; echo $?)"

# ---- the node goes, and comes again ----

write wallet sync --home a > /dev/null # k had the same coins, and spent some
kill -9 "$child"
wait "$child" 2> /dev/null
failed 1 'connect' sync --home a
before=$(sum units a)
check 'a trial asks nobody' 1 "$(write wallet sync --dry-run --home a | grep -c dry_run)"
serve "${url#http://}"
check 'is there again' 0 "$(write wallet sync --home a > /dev/null; echo $?)"
check 'as it was' "$before" "$(sum units a)"

# Through a proxy that is not there nothing goes around it.
failed 1 'proxy\|connect' sync --home a --proxy 127.0.0.1:9

echo "$checks checks, $failures failures"
[ $failures = 0 ]
