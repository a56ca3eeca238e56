#!/bin/bash
# Whom doctor names: who goes on writing after a removal, who tells two stories about one moment of a
# text, who writes as a client of another, and which device there is twice. With real events, those
# that shoal itself would not sign among them; and what it advises helps.
#
#     tests/shoal_doctor.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

by() # person, argument...: one that signs
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" --key "$person" --password-file password 2> error
}
at() # home, argument...: one that only looks
{
    device=$1
    shift
    "$shoal" "$@" --home "home-$device" 2> error
}
meet() # home...: each gets what the others have
{
    for from; do for to; do at "$from" export | at "$to" import > /dev/null; done; done
}
named() { at "$1" doctor --json | grep "\"about\":\"$2\""; } # home, about
said() { sed -n 's/.*"says":"\(.*\)"}/\1/p'; }
npub() { cat "npub-$1"; }
seconds() { date +%s; }

printf 'hunter2\n' > password
for person in alice bob carol; do
    run identity new --password-file password --cost 4 --key "$person" > made
    member pubkey < made > "pubkey-$person"
    run identity show --key "$person" --password-file password | member npub > "npub-$person"
done
by bob profile set name=Bobby > /dev/null || cat error

circle=$(by alice circle new family --open | member id)
for person in bob carol; do by alice circle add family "$(cat pubkey-$person)" > /dev/null || cat error; done
note=$(by alice new note title=Picnic --circle family | member id)
meet alice bob carol
check 'nobody is named' 0 "$(at alice doctor --json | grep -c '"who"')"

# ---- who was removed, and writes on ----

by bob set "$note" before=seen > /dev/null || cat error
meet alice bob
removal=$(by alice circle rm family "$(cat pubkey-bob)" | member event)
by bob set "$note" after=unseen > /dev/null || cat error
by bob set "$note" more=unseen > /dev/null || cat error
his=$(by bob new note title=Mine --circle family | member id)
check 'he has not heard' 64 "${#his}"

# He has heard, and does not care: two more, one after the other.
last=$note
for n in 1 2; do
    hlc=$(printf '%012x0000' $(($(seconds) * 1000 + n * 20000)))
    run event --key bob --password-file password --kind 1570 --content '{"op":"set","k":"title","v":"Stolen"}' \
        --created-at $((0x${hlc%0000} / 1000)) --tag "hlc=$hlc" --tag "h=$circle" --tag "[\"e\",\"$note\",\"\",\"root\"]" \
        --tag "[\"e\",\"$last\",\"\",\"prev\"]" --tag "[\"e\",\"$removal\",\"\",\"auth\"]" > defiant
    last=$(member id < defiant)
    check "defiance $n is an event" 64 "${#last}"
    at bob import defiant > /dev/null || cat error
done
meet alice bob carol
for person in alice bob carol; do
    named $person removed > strays
    check "$person: one is named" 1 "$(wc -l < strays)"
    check "$person: it is him" "$(cat pubkey-bob) $(npub bob) Bobby" "$(member who < strays) $(member npub < strays) $(member name < strays)"
    check "$person: in that circle" "$circle family" "$(member circle < strays) $(member circle_name < strays)"
    check "$person: so many do not count" 5 "$(member writes < strays)"
    check "$person: he can do no harm" true "$(member ok < strays)"
    check "$person: nothing of it counts" 0 "$(at $person show "$note" | grep -c -e unseen -e Stolen)"
    check "$person: what was seen does" 1 "$(at $person show "$note" | grep -c seen)"
done
check 'in words' 1 "$(said < strays | grep -c "^Bobby ($(head -c 8 pubkey-bob)), $(npub bob), was removed from family on 20.*: 5 writes .* do not count")"
check 'and what to do' 1 "$(said < strays | grep -c "; ask them to stop, or let them in again: shoal circle add ${circle:0:8} $(npub bob)$")"
# shellcheck disable=SC2046 # the words of the command that it names
by alice $(said < strays | sed -n 's/.*: shoal \(circle add .*\)/\1/p') > /dev/null || cat error
named alice removed > strays
check 'he is in it again' writer "$(member role < strays)"
check 'with what he wrote then' 5 "$(member writes < strays)"
check 'in words' 1 "$(said < strays | grep -c ', lost a role in family on .*; is in it as writer, and has to write again what is to count$')"
meet alice bob
by bob set "$note" title=Ours > /dev/null || cat error
check 'and is believed' 1 "$(at bob show "$note" | grep -c Ours)"
check 'which is none of those' 5 "$(named bob removed | member writes)"

# What a moderator takes back of somebody is no defiance.
rude=$(by carol set "$note" rude=words | member event)
meet alice bob carol
by alice circle void family "$rude" > /dev/null || cat error
by alice circle rm family "$(cat pubkey-carol)" > /dev/null || cat error
check 'she is not named' 1 "$(named alice removed | wc -l)"
meet alice bob carol
check 'by nobody' "$(cat pubkey-bob)" "$(named carol removed | member who)"

# ---- two stories about one moment, and the client of another ----

# An update of client 1 that writes x, or y, as its first character.
text=$(by alice new note title=Text --circle family | member id)
meet alice bob
claim() # person, base64, name
{
    claims=$((claims + 1))
    hlc=$(printf '%012x%04x' $(($(seconds) * 1000 + 60000)) $claims)
    run event --key "$1" --password-file password --kind 1571 --content "$2" --created-at $((0x${hlc:0:12} / 1000)) \
        --tag "hlc=$hlc" --tag c=yjs1 --tag yc=1 --tag "h=$circle" --tag "[\"e\",\"$text\",\"\",\"root\"]" \
        --tag "[\"e\",\"$text\",\"\",\"prev\"]" --tag "[\"e\",\"$grounds\",\"\",\"auth\"]" > claimed
    at alice import claimed > /dev/null || cat error
}
claims=0
grounds=$(at alice log "$circle" --limit 1 | member id)
claim alice AQEBAAQBBHRleHQBeAA=
check 'one story' 0 "$(named alice text | wc -l)"
claim alice AQEBAAQBBHRleHQBeQA=
named alice text > texts
check 'two stories' 1 "$(wc -l < texts)"
check 'by whom, where, as what' "$(npub alice) $text 1 false" \
    "$(member npub < texts) $(member text < texts) $(member client < texts) $(member foreign < texts)"
check 'one of them counts' 1 "$(member updates < texts)"
check 'in words' 1 "$(said < texts | grep -c "told two stories as client 1 in ${text:0:8}: 1 updates do not count; give the second program a client of its own$")"
check 'it is a reason to look' false "$(member ok < texts)"
claim bob AQEBAAQBBHRleHQBeAA=
meet alice bob
named bob text > texts
check 'another writes as her client' 2 "$(wc -l < texts)"
grep '"foreign":true' texts > foreign
check 'he does' "$(cat pubkey-bob) $(cat pubkey-alice)" "$(member who < foreign) $(member owner < foreign)"
check 'in words' 1 "$(said < foreign | grep -c "wrote as client 1, which is that of .*$(npub alice) in ${text:0:8}: .*; ask them to give their program a client of its own$")"

# ---- two stores with one number ----

check 'each device is there once' 0 "$(named alice device | wc -l)"
cp -r home-alice home-copy
one=$(by alice new note title=One | member id)
"$shoal" new note title=Two --home home-copy --key alice --password-file password > /dev/null 2> error || cat error
by alice doc edit "$one" 'On one.' > /dev/null || cat error
at alice export | at copy import > /dev/null
at copy export | at alice import > /dev/null
device=$(at alice status | sed -n 's/.*"device":"\([0-9a-f]*\)","events.*/\1/p')
named alice device > devices
check 'one is there twice' 1 "$(wc -l < devices)"
check 'whose, and which' "$(npub alice) $device" "$(member npub < devices) $(member device < devices)"
check 'one number' 1 "$(member numbers < devices)"
"$shoal" doctor --home home-alice > output
check 'doctor fails' 1 $?
# What it says to do: export, and import into a store that is empty.
at copy export | at fresh import > /dev/null
"$shoal" new note title=Three --home home-fresh --key alice --password-file password > /dev/null 2> error || cat error
"$shoal" new note title=Four --home home-alice --key alice --password-file password > /dev/null 2> error || cat error
at fresh export | at alice import > /dev/null
check 'that one has a number of its own' 1 "$(named alice device | member numbers)"

# ---- however many there are, the first few are named ----

for n in $(seq 12); do
    hlc=$(printf '%012x0000' $(($(seconds) * 1000 + n)))
    for story in a b; do
        run event --key bob --password-file password --kind 1570 --content '{"op":"create","type":"note"}' \
            --created-at $((0x${hlc%0000} / 1000)) --tag "hlc=$hlc" --tag "[\"w\",\"$(printf '%016x' "$n")\",\"1\"]" --tag "story=$story"
    done
done > stories
at carol import stories > /dev/null || cat error
named carol device > devices
check 'ten, and how many more' '11 2' "$(wc -l < devices) $(member more < devices)"
check 'in words' 'and 2 more' "$(tail -n 1 devices | said)"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
