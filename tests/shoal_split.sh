#!/bin/bash
# A long text in parts, each of them a job that is paid for, over two nodes that only share a relay
# with the buyer: answers in order, a node that is killed among them, a part that nobody can answer,
# Ctrl-C, and a limit of what all of it may cost.
#
#     tests/shoal_split.sh SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY
#
# TEST_DB: a libpq connection string of an administrator, who makes and drops databases for it.
node=$(realpath "$2")
model=$(realpath "$3")
relay=$(realpath "$4")
tests=$(realpath "$(dirname "$0")")
# shellcheck source=tests/shoal_home.sh
. "$tests/shoal_home.sh"
database=shoal_split_$$
sql() { psql -qtA "$TEST_DB" "$@"; }
of_node() { psql -qtA "$TEST_DB dbname=${database}_$1" -c "$2"; }
for one in relay a b; do sql -c "CREATE DATABASE ${database}_$one" || exit 1; done
children=()
end()
{
    for child in "${children[@]}"; do kill "$child" && wait "$child"; done 2> /dev/null
    for one in relay a b; do sql -c "DROP DATABASE ${database}_$one WITH (FORCE)"; done
    rm -rf "$home"
}
trap end EXIT

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > me
printf '{"pow_bits":8,"address_grant":10000000,"day_grant":10000000,"relay_grant":10000000}\n' > policy

mkfifo relay.ready
SHOAL_RELAY_DATABASE="$TEST_DB dbname=${database}_relay" SHOAL_RELAY_LISTEN_PORT=0 \
    XDG_RUNTIME_DIR="$home" "$relay" > relay.ready 2> relay.log &
children+=($!)
exec 3< relay.ready
read -r -u 3 line || { cat relay.log; exit 1; }
relay_url=ws://127.0.0.1:${line#ready port=}

# Each node has one before it that falls silent in the middle of an answer while there is "stall".
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
declare -A url port pid
sell() # name
{
    "$node" serve --name demo --listen "127.0.0.1:${port[$1]}" --mint "seed.$1" \
        --mint-password-file password --mint-policy policy --database "$TEST_DB dbname=${database}_$1" \
        --announce --relay "$relay_url" --key "seller.$1" --password-file password \
        --price 100000/400000/10000/1 --mint-url "${url[$1]}" "$model" > "node.$1.log" 2> "node.$1.ready" &
    pid[$1]=$!
    children+=("${pid[$1]}")
    exec 4< "node.$1.ready"
    while read -r -u 4 line; do
        case $line in *'is there'*) break ;; esac
    done
    cat <&4 > "node.$1.more" &
    case $line in *'is there'*) ;; *) echo "no node: $line"; exit 1 ;; esac
}
for one in a b; do
    run identity new --password-file password --cost 4 --key "seller.$one" > "seller.$one.json"
    "$node" mint init "seed.$one" --mint-password-file password > /dev/null 2> error || cat error
    mkfifo "node.$one.ready" "between.$one"
    port[$one]=$(free_port)
    perl "$tests/between.pl" "${port[$one]}" "stall.$one" > "between.$one" &
    children+=($!)
done
exec 5< between.a 6< between.b
read -r -u 5 line && url[a]=http://127.0.0.1:$line
read -r -u 6 line && url[b]=http://127.0.0.1:$line
for one in a b; do
    sell $one
    write wallet mint add "${url[$one]}" > /dev/null
    write wallet grant --mint "${url[$one]}" > /dev/null || cat error
done

of_mine() # member
{
    "$shoal" wallet balance --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
jobs_of() { of_node "$1" 'SELECT count(*) FROM shoal_node.job WHERE state = 4'; }
cost() { echo $(($(of_node a 'SELECT coalesce(sum(cost), 0) FROM shoal_node.job') + $(of_node b 'SELECT coalesce(sum(cost), 0) FROM shoal_node.job'))); }
even() # what was spent is what the jobs cost: no more, and none of it is under way
{
    check "$1: all is counted" "$((2000 - $(cost))) 0 0" "$(of_mine units) $(of_mine given) $(of_mine pending)"
}
infer() { write infer --relay "$relay_url" --wait 0 "$@"; }
check 'granted' 2000 "$(of_mine units)"

# ---- two nodes, in order ----

texts() { sed -n 's/^{"part":.*"text":"\(.*\)"}$/\1/p' "$1"; }
hello='Hello! Ask me what a relay is.'
about='A relay stores events and sends them to whoever asks for them.'
printf 'Hello\n\nWhat is a relay?\n\n\nHello\n\nWhat is a relay?\n\nHello\n' > text
for one in 1 2 1 2 1; do if [ $one = 1 ]; then echo "$hello"; else echo "$about"; fi; done > wanted
infer --file text --split paragraph --json > said || cat error
check 'five answers, in order' "$(cat wanted)" "$(texts said)"
check 'numbered' '1 2 3 4 5 ' "$(sed -n 's/^{"part":\([0-9]*\),"of":5,.*/\1/p' said | tr '\n' ' ')"
check 'of two nodes' "$(cat seller.a.json seller.b.json | member pubkey | sort)" "$(sed -n 's/.*"of":5,"node":"\([0-9a-f]*\)".*/\1/p' said | sort -u)"
check 'which did five jobs' 5 $(($(jobs_of a) + $(jobs_of b)))
check 'and what it cost' "$(cost)" "$(tail -n 1 said | member spent)"
check 'its parts' "$(cost)" "$(sed -n 's/^{"part":.*"spent":\([0-9]*\).*/\1/p' said | awk '{ s += $1 } END { print s }')"
check 'five receipts' 5 "$("$shoal" export | grep -c '"kind":8430')"
even 'five parts'

# From standard input, by size, with an instruction before each part.
printf 'What is a relay? What is a relay?' | infer --split size:17 - > said || cat error
check 'by size' "$(printf '%s\n%s' "$about" "$about")" "$(texts said)"
check 'said how much' 1 "$(grep -c '^2 of 2 parts: 0\.[0-9]* credits; [0-9]* and [0-9]* tokens' error)"
printf 'relay?\n\nrelay?' > ends
infer --file ends --split paragraph 'What is a' > said || cat error
check 'an instruction' "$(printf '%s\n%s' "$about" "$about")" "$(texts said)"
check 'a trial' '{"parts":5,"nodes":2,"dry_run":true}' "$(infer --dry-run --file text --split paragraph | sed 's/"sent":[0-9]*,//')"
status_of 2 infer --relay "$relay_url" --split words Hello
status_of 2 infer --relay "$relay_url" --split size:3 Hello
status_of 2 infer --relay "$relay_url" --split paragraph '  '
even 'by size'

# On a terminal there is a bar, which is gone in the end.
script -qec "'$shoal' infer --relay $relay_url --wait 0 --password-file password --file text --split paragraph" /dev/null < /dev/null > output
check 'a bar' 1 "$(tr '\r' '\n' < output | grep -c '^\[ *\] 0 of 5 parts, 0\.00 credits')"
check 'and the answers' 3 "$(tr '\r' '\n' < output | grep -c 'Hello! Ask me what a relay is\.')"

# ---- what is too much ----

fails() # why, argument...
{
    why=$1
    shift
    "$shoal" infer --relay "$relay_url" --wait 0 --password-file password "$@" > said 2> error < /dev/null
    check "status of infer $*" 1 $?
    check "why of infer $*: $(cat error)" 1 "$(grep -c -- "$why" error)"
}
before=$(cost)
fails 'part [0-9] of 5: --max-price: [0-9]* units more' --max-price 0.90 --file text --split paragraph
check 'within the limit' 1 $(($(cost) - before <= 90 && $(cost) > before))
even 'a limit'

# A part that is too long for any node: the others that were begun are cancelled.
{ printf 'Hello\n\n'; head -c 400 /dev/zero | tr '\0' 'x'; printf '\n\nHello\n'; } > long
fails 'part 2 of 3: no answer: ' --max-tokens 40 --file long --split paragraph --json
check 'what came before it is there' "$hello" "$(sed -n 's/^{"part":1,.*"text":"\(.*\)"}$/\1/p' said)"
check 'and nothing else' '' "$(grep -o '"part":[23]' said)"
even 'a part that fails'

# ---- interrupted ----

touch stall.a stall.b
"$shoal" infer --relay "$relay_url" --wait 0 --password-file password --file text --split paragraph > said 2> error &
asking=$!
read -r -u 5 line
read -r -u 6 line
kill -INT "$asking"
wait "$asking"
check 'interrupted' '1 1' "$? $(grep -c 'interrupted' error)"
rm stall.a stall.b
even 'interrupted'

# ---- one of the nodes is killed in the middle ----

while read -r -t 0 -u 5 && read -r -u 5 line; do :; done
while read -r -t 0 -u 6 && read -r -u 6 line; do :; done
touch stall.b
"$shoal" infer --relay "$relay_url" --wait 0 --password-file password --file text --split paragraph --json > said 2> error &
asking=$!
read -r -u 6 line
kill -9 "${pid[b]}"
wait "${pid[b]}" 2> error.killed
wait "$asking"
check 'the other takes over' 0 $? || cat error
check 'all of it, in order' "$(cat wanted)" "$(texts said)"
check 'some were asked twice' 1 "$(($(grep -c '"tries":[23]' said) > 0))"
check 'what is left is told' '1 1' "$(grep -c 'shoal wallet sync' error) $(tail -n 1 said | grep -c '"settled":false')"
rm stall.b
sell b
of_node b 'UPDATE shoal_node.job SET lease_until = now() WHERE state IN (2, 3)' # time goes by
until [ "$(of_node b 'SELECT count(*) FROM shoal_node.job WHERE state IN (1, 2, 3)')" = 0 ]; do
    perl -e 'select undef, undef, undef, 0.05'
done
write wallet sync > /dev/null || cat error
even 'killed'

echo "$checks checks, $failures failures"
[ $failures = 0 ]
