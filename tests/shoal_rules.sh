#!/bin/bash
# What a circle's admins agree on, as users meet it: roles that end, or that are of one thing alone,
# and admins of one rank who remove another together.
#
#     tests/shoal_rules.sh SHOAL_BINARY
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
of_member() { of "$1" circle show club | tr '{' '\n' | grep "\"key\":\"$2\""; } # by whom, whom

printf 'hunter2\n' > password
for person in alice bob carol dave eve; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
    of "$person" remote add "$url" > /dev/null
done
bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)
dave=$(cat pubkey-dave)
eve=$(cat pubkey-eve)

# ---- roles with limits ----

circle=$(by alice circle new club | member id)
mine=$(by alice new note title=Mine --circle club | member id)
shared=$(by alice new note title=Shared --circle club | member id)
by alice circle add club "$bob" --until 2100-01-01 > /dev/null || cat error
by alice circle add club "$carol" --only "$shared" > /dev/null || cat error
by alice circle add club "$dave" --kind 1571 > /dev/null || cat error
fails 1 alice circle add club "$eve" --until 2020-01-01
check 'why' 'shoal circle add: --until: that time is over' "$(cat error)"
sync alice bob carol dave
check 'said' 'writer 4102444800' "$(of_member bob "$bob" | member role) $(of_member bob "$bob" | member until)"
check 'and that one reads all else' 'reader true' "$(of_member bob "$carol" | member role) $(of_member bob "$carol" | member limited)"
by bob set "$mine" place=beach > /dev/null || cat error
by carol set "$shared" place=wood > /dev/null || cat error
fails 5 carol set "$mine" place=wood
check 'in words' 'shoal set: the circle does not let you write' "$(cat error)"
fails 5 carol new note title=New --circle club
by dave doc edit "$mine" 'in words' > /dev/null || cat error
fails 5 dave set "$mine" place=hill
sync bob carol dave alice bob
for person in alice bob; do
    check "$person has what bob wrote" 1 "$(of "$person" show "$mine" | grep -c '"place":"beach"')"
    check "$person has what carol wrote" 1 "$(of "$person" show "$shared" | grep -c '"place":"wood"')"
    check "$person has dave's words" 'in words' "$(of "$person" doc show "$mine" | member text)"
done

# A time that is over: what says so is dated before it, as it was written then.
heads=$(of alice log "$circle" --graph | head -n 1 | member id)
ms=$(($(date +%s) * 1000 + 3000))
run event --kind 1572 --created-at $((ms / 1000)) --key alice --password-file password \
    --tag "[\"e\",\"$circle\",\"\",\"root\"]" --tag "[\"e\",\"$heads\",\"\",\"prev\"]" \
    --tag "hlc=$(printf '%012x0000' "$ms")" --tag "p=$eve" \
    --content "{\"op\":\"grant\",\"who\":\"$eve\",\"role\":\"admin\",\"until\":$((ms / 1000 - 60))}" > over
of alice import over > /dev/null || cat error
check 'it is taken in' "admin $((ms / 1000 - 60))" "$(of_member alice "$eve" | member role) $(of_member alice "$eve" | member until)"
of alice push > /dev/null || cat error
sync alice eve
fails 5 eve circle add club "$eve"
fails 1 eve set "$mine" place=moon
check 'has no key either' '' "$(of eve show "$mine")"

# ---- admins of one rank ----

for who in "$bob" "$carol" "$dave"; do by alice circle add club "$who" --role admin > /dev/null || cat error; done
sync alice bob carol dave
fails 5 bob circle rm club "$dave"
check 'no number is asked for' '[]' "$(of bob circle show club | sed -n 's/.*"policy":\(\[[^]]*\]\).*/\1/p')"
fails 1 bob circle policy club 1000001
fails 1 bob circle policy club 1
by bob circle policy club 2 > /dev/null || cat error
fails 5 bob circle rm club "$dave"
check 'bob precedes none of them' 'shoal circle rm: the circle does not let you do that' "$(cat error)"
by alice circle policy club 2 > /dev/null || cat error
sync bob alice bob carol dave
by bob circle rm club "$dave" > /dev/null || cat error
check 'it is said how many' '[{"rank":1,"admins":2}]' "$(of bob circle show club | sed -n 's/.*"policy":\(\[[^]]*\]\).*/\1/p')"
check 'one alone does not' admin "$(of_member bob "$dave" | member role)"
by dave set "$mine" before=seen > /dev/null || cat error
sync bob dave carol
by carol circle rm club "$dave" > /dev/null || cat error
check 'two do' '' "$(of_member carol "$dave")"
by dave set "$mine" after=unseen > /dev/null || cat error
secret=$(by carol new note title=Secret --circle club | member id)
sync carol dave bob alice carol
for person in alice bob carol; do
    check "$person: he is out" '' "$(of_member "$person" "$dave")"
    check "$person: what was seen stays" 1 "$(of "$person" show "$mine" | grep -c '"before":"seen"')"
    check "$person: what was not does nothing" 0 "$(of "$person" show "$mine" | grep -c unseen)"
    check "$person reads what follows" 1 "$(of "$person" show "$secret" | grep -c Secret)"
done
check 'he does not' '' "$(of dave show "$secret")"
hash=$(of alice circle show club | member hash)
check 'one state' "$hash $hash" "$(of bob circle show club | member hash) $(of carol circle show club | member hash)"
fails 5 carol circle rm club "$(cat pubkey-alice)"
check 'rebuilt, it is the same' 1 "$(of carol fsck | grep -c '"bad":0,"catalog":"right"')"

printf '%d checks, %d failures\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
