#!/bin/bash
# shoal feed --follow: what is there, then what comes over a relay, what another process puts into
# the store, also without any relay; and an end when it is told to.
#
#     tests/shoal_follow.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

server=
follower=
trap '[ -z "$server" ] || kill "$server"; [ -z "$follower" ] || kill "$follower"; rm -rf "$home"' EXIT
serve()
{
    mkfifo ready
    "$shoal" serve --listen 0 --home home-relay > ready 2> log &
    server=$!
    exec 3< ready
    read -r -u 3 line || { cat log; exit 1; }
    url=$(member url <<< "$line")
}
by() # person, argument...
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" --key "$person" --password-file password 2> error
}
follow() # argument...
{
    rm -f lines && mkfifo lines
    "$shoal" feed --follow --home home-alice "$@" > lines 2> said &
    follower=$!
    exec 4< lines
}
next() # waits until something is printed
{
    read -r -t 60 -u 4 line || { echo "nothing came"; cat said; }
    member content <<< "$line" | tee -a seen
}
await() # content
{
    until [ "$(next)" = "$1" ]; do
        [ "$(wc -l < seen)" -lt 50 ] || return
    done
}
stop() # signal
{
    kill -"$1" "$follower"
    wait "$follower"
    check "status after SIG$1" 0 $?
    follower=
}

printf 'hunter2\n' > password
for person in alice bob; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
done
by alice follow add "$(cat pubkey-bob)" > /dev/null

# Without a relay: what is in the store, and what another process writes to it.
by alice post first > /dev/null
follow --limit 1
check 'what is there' first "$(next)"
by alice post third > /dev/null
check 'what comes' third "$(next)"
by alice new note title=Other > /dev/null
by alice post fourth > /dev/null
check 'and nothing else' fourth "$(next)"
by bob post 'of bob' | member id > /dev/null
"$shoal" export --home home-bob > of-bob
run import of-bob --home home-alice > /dev/null
check 'whoever is followed' 'of bob' "$(next)"
stop INT

# Over a relay, and nothing twice.
serve
for person in alice bob; do
    run remote add "$url" --home "home-$person" > /dev/null
done
rm seen
follow
by bob post 'over the relay' > /dev/null
run push --home home-bob --timeout 100 > /dev/null || cat error
await 'over the relay'
check 'what was there, and what the relay gets' 5 "$(wc -l < seen)"
check 'is kept' 1 "$(run feed --home home-alice | grep -c 'over the relay')"

# Without it, once more.
kill "$server"
wait "$server"
server=
by alice post 'while it is away' > /dev/null
check 'what is written meanwhile' 'while it is away' "$(next)"
stop TERM
check 'it said that once' 1 "$(grep -c "$url" said)"
check 'no notes at all' '' "$(run feed --limit 0 --home home-alice)"

printf '%d checks, %d failures' "$checks" "$failures"
[ "$failures" -eq 0 ]
