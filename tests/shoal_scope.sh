#!/bin/bash
# Who reads what: what is for oneself, for friends and for all, over a relay that sees none of the
# first two; a friend who comes reads what was before, one who goes nothing of what follows.
#
#     tests/shoal_scope.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

sync() # home...
{
    for one; do
        "$shoal" sync --home "home-$one" --all --timeout 100 > synced 2> error || { cat error; exit 1; }
    done
}
title() { "$shoal" show "$2" --home "home-$1" 2> error | sed -n 's/.*"title":"\([^"]*\)".*/\1/p'; }

printf 'hunter2\n' > password
for person in alice bob carol; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
done
for one in alice bob carol laptop; do # the last is of alice, too
    run remote add "$url" --home "home-$one" > /dev/null
done
alice=$(cat pubkey-alice)
bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)

# ---- for oneself ----

mine=$(by alice mem save 'the safe opens with 1234' | member id)
diary=$(by alice new note title=Diary --scope self | member id)
by alice new note title=Open > /dev/null
sync alice bob laptop
check 'no relay reads it' 0 "$("$shoal" export --home home-relay | grep -c -e 1234 -e Diary)"
check 'but what is open' 1 "$("$shoal" export --home home-relay | grep -c Open)"
check 'nobody else does' '' "$(title bob "$diary")"
by bob circle keys > /dev/null
check 'with his key neither' '' "$(title bob "$diary")"
by laptop-alice circle keys > /dev/null
check 'the other device' Diary "$(title laptop "$diary")"
check 'recalls' "$mine" "$("$shoal" mem recall safe --home home-laptop | member id)"
check 'finds' "$diary" "$("$shoal" find Diary --home home-laptop | member id)"
by laptop-alice set "$diary" title=Journal > /dev/null || cat error
second=$(by laptop-alice new note title=Second --scope self | member id)
sync laptop alice
check 'and changes it' Journal "$(title alice "$diary")"
check 'into one circle' 1 "$("$shoal" circle list --home home-alice | grep -c '"scope":"self"')"
check 'and writes more' Second "$(title alice "$second")"
by alice circle add self "$bob" > output
check 'who else reads it is not said there' 5 $?
by alice new note title=x --scope self --circle self > output
check 'one of them' 1 $?
by alice new note title=x --scope nobody > output
check 'no such scope' 'shoal new: --scope: expected public, friends or self, got '"'nobody'" "$(cat error)"

# ---- for friends ----

before=$(by alice new note title=Before --scope friends | member id)
by alice follow add "$bob" "$carol" > /dev/null || cat error
by bob follow add "$alice" > /dev/null
sync bob alice
check 'a friend' "$bob" "$("$shoal" friend list --home home-alice | member pubkey)"
party=$(by alice new note title=Party --scope friends | member id)
sync alice bob carol
for one in bob carol; do
    by "$one" circle keys > /dev/null
done
check 'he reads it' Party "$(title bob "$party")"
check 'and what was before' Before "$(title bob "$before")"
check 'whom she follows does not' '' "$(title carol "$party")"
check 'nor a relay' 0 "$("$shoal" export --home home-relay | grep -c -e Party -e Before)"
check 'nor is what is hers for him' '' "$(title bob "$diary")"
by bob set "$party" title=Mine > output
check 'he only reads' 5 $?
reply=$(by bob new note title=Reply --scope friends | member id)
sync bob alice
by alice circle keys > /dev/null
check 'his friends are others' Reply "$(title alice "$reply")"

# ---- no friend any more ----

by alice follow rm "$bob" > /dev/null || cat error
after=$(by alice new note title=After --scope friends | member id)
by alice set "$party" title=Changed > /dev/null || cat error
sync alice bob
by bob circle keys > /dev/null
check 'he keeps what he has' Party "$(title bob "$party")"
check 'and reads nothing new' '' "$(title bob "$after")"
check 'she does' After "$(title alice "$after")"
by alice follow add "$bob" > /dev/null
sync alice bob
by bob circle keys > /dev/null
check 'a friend again' After "$(title bob "$after")"
check 'reads all' Changed "$(title bob "$party")"

# The other who goes is seen when his list comes.
by bob follow rm "$alice" > /dev/null
sync bob alice
gone=$(by alice new note title=Gone --scope friends | member id)
sync alice bob
by bob circle keys > /dev/null
check 'nor one who left' '' "$(title bob "$gone")"
check 'nothing is lost' 1 "$("$shoal" fsck --home home-alice | grep -c '"bad":0,"catalog":"right"')"

printf '%d checks, %d failures' "$checks" "$failures"
[ "$failures" -eq 0 ]
