#!/bin/bash
# A circle that nobody else knows the members of: the relay that carries it, and a third who reads
# all of that relay, see neither members, nor roles, nor who wrote what.
#
#     tests/shoal_secret.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

of() # person, argument...
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" 2> error
}
sync() # person...
{
    for one; do
        of "$one" sync --all --timeout 100 > /dev/null || { cat error; exit 1; }
        by "$one" dm fetch > /dev/null || cat error
        by "$one" circle keys > /dev/null || cat error
    done
}
fails() # wanted status, person, argument...
{
    wanted=$1
    shift
    by "$@" > output < /dev/null
    check "status of $*" "$wanted" $?
}
title() { of "$1" show "$2" | sed -n 's/.*"title":"\([^"]*\)".*/\1/p'; }
role() { of "$1" circle show "$circle" | tr '{' '\n' | grep "\"key\":\"$2\"" | member role; } # by whom, whom
relay() { "$shoal" export --home home-relay 2> error; }

printf 'hunter2\n' > password
for person in alice bob carol dave; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
    of "$person" remote add "$url" > /dev/null
done
for person in bob carol dave; do # alice is not known to the relay by anything else
    by "$person" dm relays "$url" > /dev/null || cat error
done
alice=$(cat pubkey-alice)
bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)

# ---- it begins ----

fails 1 alice circle new both --open --secret
circle=$(by alice circle new cabal --secret | member id)
check 'its id' 64 "${#circle}"
by alice circle add cabal "$bob" --role admin > /dev/null || cat error
plan=$(by alice new note title=Coup --circle cabal | member id)
sync alice dave
check 'dave reads all of the relay' "$(relay | grep -c '"kind":1575')" "$(of dave export | grep -c '"kind":1575')"
check 'which is something' 5 "$(relay | grep -c '"kind":1575')"
check 'no change of a circle, nor key, is told' 0 "$(relay | grep -c -e '"kind":1572' -e '"kind":1574')"
check 'nor who wrote' 0 "$(relay | grep '"kind":1575' | grep -c -e "$alice" -e "$bob")"
check 'each by another' 5 "$(relay | grep '"kind":1575' | member pubkey | sort -u | wc -l)"
check 'alice is not known at all' 0 "$(relay | grep -c "$alice")"
check 'the key is in a gift wrap' 1 "$(relay | grep '"kind":1059' | grep -c "$bob")"
check 'dave sees no circle' '' "$(of dave circle list)"
check 'nor a role' '' "$(role dave "$bob")"
check 'nor what is in it' '' "$(title dave "$plan")"
check 'and it stays locked' 5 "$(of dave status | member locked)"

# ---- two write ----

sync bob
check 'bob is in it' admin "$(role bob "$bob")"
check 'with alice' admin "$(role bob "$alice")"
check 'and reads' Coup "$(title bob "$plan")"
check 'it is one of those' true "$(of bob circle show cabal | member secret)"
by bob set "$plan" title=Party > /dev/null || cat error
by bob circle add cabal "$carol" --role reader > /dev/null || cat error
by bob circle say cabal hello > /dev/null || cat error
sync bob alice carol
check 'alice reads bob' Party "$(title alice "$plan")"
check 'and hears him' hello "$(of alice circle read cabal | member text)"
check 'carol, too' Party "$(title carol "$plan")"
check 'as a reader' reader "$(role carol "$carol")"
fails 5 carol set "$plan" title=Mine
hash=$(of alice circle show cabal | member hash)
check 'one state' "$hash $hash" "$(of bob circle show cabal | member hash) $(of carol circle show cabal | member hash)"
check 'nothing of it is exported' 0 "$(of alice export | grep -c -e Party -e '"kind":1572' -e '"kind":1574')"

# ---- one is removed ----

by alice circle rm cabal "$carol" > /dev/null || cat error
late=$(by alice new note title=Late --circle cabal | member id)
sync alice bob carol dave
check 'bob goes on with the next key' Late "$(title bob "$late")"
check 'carol is out' '' "$(role bob "$carol")"
check 'and reads nothing new' '' "$(title carol "$late")"
check 'but what was' Party "$(title carol "$plan")"
check 'who has it is given no wrap again' 1 "$(relay | grep '"kind":1059' | grep -c "$bob")"
by bob circle keys cabal --rotate > /dev/null || cat error
last=$(by bob new note title=Last --circle cabal | member id)
sync bob alice carol dave
check 'rotated' Last "$(title alice "$last")"
check 'without carol' '' "$(title carol "$last")"
check 'still nothing is told' 0 "$(relay | grep -c -e '"kind":1572' -e '"kind":1574' -e "$alice")"
check 'nor to dave' '' "$(of dave circle list)$(title dave "$last")"
by bob circle leave cabal > /dev/null || cat error
sync bob alice
check 'bob has left' '' "$(role alice "$bob")"
for person in alice bob carol; do
    check "$person: rebuilt, it is the same" 1 "$(of "$person" fsck | grep -c '"bad":0,"catalog":"right"')"
done

printf '%d checks, %d failures\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
