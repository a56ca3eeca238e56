#!/bin/bash
# Friends who asked and answered in gift wraps: nobody else sees it, the other's devices and one's own
# come to the same, in whatever order it arrives; and what is for friends is for them.
#
#     tests/shoal_friend.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

of() # home, argument...
{
    one=$1
    shift
    "$shoal" "$@" --home "home-$one" 2> error
}
send() { of "$1" push --timeout 100 > /dev/null || cat error; }
get() { by "$1" dm fetch "$url" --timeout 100 > /dev/null || cat error; }
friends() { of "$1" friend list | member pubkey | paste -sd ' '; }
requests() { of "$1" friend list --requests | member asked_by | paste -sd ' '; }

printf 'hunter2\n' > password
for person in alice bob carol; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
    of "$person" remote add "$url" > /dev/null
    by "$person" dm relays "$url" > /dev/null
    send "$person"
done
of laptop remote add "$url" > /dev/null # alice's, too
alice=$(cat pubkey-alice)
bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)

# ---- asked and answered ----

by alice friend req "$bob" > output
check 'whose relays nobody knows' "shoal friend req: ${bob:0:8} has no list of relays here: shoal fetch --author, or --relay" "$(cat error)"
for one in alice bob carol; do
    of "$one" fetch --timeout 100 --author "$alice" --author "$bob" --author "$carol" > /dev/null || cat error
done
check 'a trial' 1 "$(by alice friend req "$bob" --dry-run | grep -c '"friend":false.*"dry_run":true')"
check 'does nothing' '' "$(requests alice)"
check 'asked' false "$(by alice friend req "$bob" | member friend)"
check 'it waits' you "$(requests alice)"
check 'no friend yet' '' "$(friends alice)"
send alice
get bob
check 'it came' them "$(requests bob)"
check 'from her' "$alice" "$(of bob friend list --requests | member pubkey)"
check 'it is no message' 0 "$(by bob dm list | wc -l)"
by bob friend accept "$carol" > output
check 'who did not ask' 1 $?
check 'answered' true "$(by bob friend accept "$alice" | member friend)"
check 'a friend' "$alice" "$(friends bob)"
check 'not hers yet' '' "$(friends alice)"
send bob
get alice
check 'hers' "$bob" "$(friends alice)"
check 'nothing waits' '' "$(requests alice)$(requests bob)"
get laptop-alice
check 'on her other device' "$bob" "$(friends laptop)"
check 'no relay sees more than wraps' 0 "$(of relay export | grep -vc '"kind":1059\|"kind":10050')"
check 'nor by whom' 0 "$(of relay export '{"kinds":[1059]}' | grep -c "\"pubkey\":\"\($alice\|$bob\)\"")"

# ---- what is for friends ----

party=$(by alice new note title=Party --scope friends | member id)
send alice
of bob fetch --timeout 100 --all > /dev/null
by bob circle keys > /dev/null
check 'he reads it' Party "$(of bob show "$party" | sed -n 's/.*"title":"\([^"]*\)".*/\1/p')"

# ---- ended ----

check 'no friend any more' false "$(by bob friend rm "$alice" | member friend)"
check 'nor here' '' "$(friends bob)"
send bob
get alice
check 'nor there' '' "$(friends alice)"
later=$(by alice new note title=Later --scope friends | member id)
send alice
of bob fetch --timeout 100 --all > /dev/null
by bob circle keys > /dev/null
check 'he reads nothing new' '' "$(of bob show "$later")"
check 'she still wants him' you "$(requests alice)"
check 'he may change his mind' true "$(by bob friend accept "$alice" | member friend)"
send bob
get alice
check 'and is a friend again' "$bob" "$(friends alice)"

# Who asks and is declined is not told; who asked at once is a friend at once.
by carol friend req "$alice" > /dev/null
send carol
get alice
check 'asked again' them "$(requests alice)"
by alice friend rm "$carol" > /dev/null || cat error
check 'declined' '' "$(requests alice)"
send alice
get carol
check 'she waits' you "$(requests carol)"
by carol friend req "$bob" > /dev/null
by bob friend req "$carol" > /dev/null
send carol
send bob
get carol
get bob
check 'both asked' "$bob $carol" "$(friends carol) $(of bob friend list | member pubkey | grep "$carol")"
by alice friend rm "$carol" > output
check 'nothing to end' 1 $?
by alice friend req "$alice" > output
check 'oneself' 'shoal friend req: that is you' "$(cat error)"

printf '%d checks, %d failures' "$checks" "$failures"
[ "$failures" -eq 0 ]
