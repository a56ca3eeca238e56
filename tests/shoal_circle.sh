#!/bin/bash
# A circle of three people over a real relay, as users meet it: add, write, remove, rotate. Who is
# removed reads nothing new and is not believed, all others come to the same state.
#
#     tests/shoal_circle.sh SHOAL_BINARY RELAY_BINARY, with TEST_DB in the environment
set -u
shoal=$(realpath "$1")
relay=$(realpath "$2")
: "${TEST_DB:?a connection string}"
home=$(mktemp -d) || exit 1
relay_pid=
finish()
{
    [ -z "$relay_pid" ] || { kill "$relay_pid"; wait "$relay_pid"; }
    rm -rf "$home"
}
trap finish EXIT
cd "$home" || exit 1
export HOME="$home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR SHOAL_KEY_FILE SHOAL_HOME SHOAL_AGENT
checks=0
failures=0

check() # what, wanted, got
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] && return
    failures=$((failures + 1))
    printf '%s:\n  wanted %s\n  got    %s\n' "$1" "$2" "$3"
}

by() # person, argument...: one that signs
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" --key "$person" --password-file password 2> error
}
of() # person, argument...: one that does not
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" 2> error
}
fails() # wanted status, person, argument...
{
    wanted=$1
    shift
    by "$@" > output < /dev/null
    check "status of $*" "$wanted" $?
}
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
sync() # person...
{
    for one; do
        "$shoal" sync --home "home-$one" --timeout 100 > synced 2> error
        case $? in 0 | 3) ;; *) cat error; exit 1 ;; esac # 3: what was taken back is refused
    done
}
hash() { of "$1" show "$2" | member hash; }
field() { of "$1" show "$2" | sed -n "s/.*\"$3\":\"\([^\"]*\)\".*/\1/p"; }
same() # what, id, person...
{
    what=$1
    id=$2
    shift 2
    first=$(hash "$1" "$id")
    check "$what: it is there" 64 "${#first}"
    for one; do
        check "$what: $one has the same" "$first" "$(hash "$one" "$id")"
    done
}
role() { of "$1" circle show family | tr '{' '\n' | sed -n "s/.*\"key\":\"$2\".*\"role\":\"\([a-z]*\)\".*/\1/p"; }

# ---- a relay, and people ----

mkfifo ready
SHOAL_RELAY_DATABASE=$TEST_DB SHOAL_RELAY_SCHEMA=circle_$$ \
    SHOAL_RELAY_LISTEN_PORT=0 SHOAL_RELAY_EVENTS_PER_S_MAX=0 SHOAL_RELAY_REQS_PER_S_MAX=0 \
    "$relay" > ready 2> relay.log &
relay_pid=$!
exec 3< ready
read -r -u 3 line || { cat relay.log; exit 1; }
url=ws://127.0.0.1:${line#ready port=}
url=${url%% *}
printf 'hunter2\n' > password
for person in alice bob carol dave; do
    "$shoal" identity new --password-file password --cost 4 --key "$person" > made || exit 1
    member pubkey < made > "pubkey-$person"
    of "$person" remote add "$url" > /dev/null || exit 1
done

bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)
dave=$(cat pubkey-dave)

# ---- a circle ----

circle=$(by alice circle new family | member id)
check 'its id' 64 "${#circle}"
by alice circle add family "$bob" > /dev/null || cat error
by alice circle add family "$carol" --role admin > /dev/null || cat error
note=$(by alice new note title=Picnic --circle family | member id)
plain=$(by alice new note title=Mine | member id)
sync alice
of bob fetch --timeout 100 --circle "$circle" > /dev/null || cat error
check 'it is said that it is sealed' 1 "$(grep -c '1 sealed events wait for their keys' error)"
by carol fetch --timeout 100 --circle "$circle" > /dev/null || cat error
check 'what brings the key opens it' '1 0' "$(grep -c '1 keys of circles opened' error) $(of carol status | member locked)"
check 'it is sealed before the key' 1 "$(of bob status | member locked)"
check 'the key is opened' 1 "$(by bob circle keys | member opened)"
check 'nothing is locked' 0 "$(of bob status | member locked)"
by carol circle keys > /dev/null
check 'who is in it' writer "$(role bob "$bob")"
check 'who is in it' admin "$(role carol "$carol")"
check 'what was written before is read' Picnic "$(field bob "$note" title)"
same 'all' "$note" alice bob carol
of dave fetch --timeout 100 --circle "$circle" > /dev/null
by dave circle keys > /dev/null
check 'a stranger has what is sealed' 1 "$(of dave status | member locked)"
check 'but not what it is' '' "$(of dave show "$note")"
fails 5 dave new note title=Intruder --circle family
fails 5 bob circle add family "$dave"
fails 5 bob repost "$note"

# ---- several write ----

by bob set "$note" place=beach > /dev/null || cat error
by carol set "$note" food+=bread > /dev/null || cat error
by alice set "$note" title=Feast > /dev/null || cat error
sync alice bob carol alice bob
same 'what three wrote' "$note" alice bob carol
check 'one of them' beach "$(field alice "$note" place)"
of dave fetch --timeout 100 --all > /dev/null
check 'nothing of it is told in the open' 0 \
    "$("$shoal" req --timeout 100 "$url" '{"kinds":[1570]}' | grep -c -e "$note" -e Picnic -e beach)"
check 'but what is' 1 "$("$shoal" req --timeout 100 "$url" "{\"ids\":[\"$plain\"]}" | grep -c Mine)"
check 'nor exported' 0 "$(of bob export | grep -c beach)"

# ---- somebody is removed ----

by bob set "$note" before=seen > /dev/null # alice will have seen it
sync bob alice
by alice circle rm family "$bob" > /dev/null || cat error
by bob set "$note" after=unseen > /dev/null || cat error # he does not know yet
cp -r home-bob home-liar
"$shoal" set "$note" lie=old --home home-liar --key bob --password-file password | member event > lie
by alice set "$note" secret=party > /dev/null || cat error
sync alice carol bob alice carol
by carol circle keys > /dev/null
sync carol
check 'he is out' '' "$(role carol "$bob")"
same 'who stayed' "$note" alice carol
check 'what was seen stays' seen "$(field carol "$note" before)"
check 'what was not does not count' '' "$(field carol "$note" after)"
check 'what follows is read' party "$(field carol "$note" secret)"
by bob circle keys > /dev/null
check 'not by him' '' "$(field bob "$note" secret)"
check 'it is locked to him' 1 "$(of bob status | member locked)"
check 'nor does he believe himself' '' "$(field bob "$note" after)"
fails 5 bob set "$note" title=Mine

# He goes on all the same, as if he had not heard.
liar=$(cat lie)
check 'he lies' 64 "${#liar}"
sync liar carol
same 'what he claims to have written before' "$note" alice carol
check 'it is not believed' '' "$(field carol "$note" lie)"
check 'doctor tells of it' 1 "$(of carol doctor | grep -c '"others","ok":true,"says":"[1-9][0-9]* events do nothing: garbage, or of somebody who may not write')"

# ---- he comes back, as a reader; another admin rotates ----

by carol circle add family "$bob" --role reader > /dev/null || cat error
sync carol bob alice
by bob circle keys > /dev/null
by alice circle keys > /dev/null
same 'again all' "$note" alice bob carol
check 'he reads' party "$(field bob "$note" secret)"
fails 5 bob set "$note" title=Mine
by alice circle role family "$bob" writer > /dev/null || cat error
sync alice bob
by bob set "$note" title=Ours > /dev/null || cat error
opened=$(by carol circle keys family --rotate | member opened)
check 'a key of her own is none to open' 0 "$opened"
sync bob carol alice bob carol
for person in alice bob carol; do by $person circle keys > /dev/null; done
same 'in the end' "$note" alice bob carol
check 'what he wrote' Ours "$(field alice "$note" title)"

# ---- the rest of what there is ----

event=$(by bob set "$note" rude=words | member event)
sync bob carol
by carol circle void family "$event" > /dev/null || cat error
check 'a moderator voids it' '' "$(field carol "$note" rude)"
forgotten=$(by alice set "$note" typo=here | member event)
sync alice carol
check 'it was there' here "$(field carol "$note" typo)"
by alice rm "$forgotten" --forget > /dev/null || cat error
sync alice carol bob
check 'it is forgotten' '' "$(field carol "$note" typo)"
by bob circle leave family > /dev/null || cat error
sync bob alice
check 'he left' '' "$(role alice "$bob")"
fails 5 alice circle leave family
by alice set "$note" title=Last > /dev/null || cat error
sync alice carol bob
by carol circle keys > /dev/null
same 'those who stayed' "$note" alice carol
check 'what follows is locked' '' "$(field bob "$note" title | grep Last)"
open=$(by carol circle new street --open | member id)
post=$(by carol new note title=Market --circle street | member id)
sync carol
of dave fetch --timeout 100 --circle "$open" > /dev/null
check 'anybody reads an open one' Market "$(field dave "$post" title)"
by alice circle new family > /dev/null
check 'two of one name' '' "$(of alice circle show family)"
for person in alice bob carol dave; do
    check "$person: made anew, it is the same" right "$(of $person fsck --rebuild | member catalog)"
done
check 'listed' 2 "$(of alice circle list | grep -c '"name"')"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
