#!/bin/bash
# Bad days of a user, and what doctor says of them: no network, two devices with one key and with one
# copy of a store, garbage of a stranger and signed by oneself, a clock that is wrong by a day, a file
# that is damaged. The state is the same everywhere, and nothing that was written is lost.
#
#     tests/shoal_badday.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

on() # device, argument...: one that signs
{
    device=$1
    shift
    "$shoal" "$@" --home "$device" --password-file password 2> error
}
at() # device, argument...: one that only looks
{
    device=$1
    shift
    "$shoal" "$@" --home "$device" 2> error
}
meet() # device...: each gets what the others have
{
    for from; do for to; do at "$from" export | at "$to" import > /dev/null; done; done
}
hash() { at "$1" fsck | member hash; }
same() # what, device...
{
    what=$1
    first=$(hash "$2")
    check "$what: a hash" 64 "${#first}"
    for device in "${@:3}"; do check "$what: $device has the same" "$first" "$(hash "$device")"; done
}
ok() { at "$1" doctor | sed -n "s/.*\"about\":\"$2\",\"ok\":\([a-z]*\).*/\1/p"; }
says() { at "$1" doctor | sed -n "s/.*\"about\":\"$2\".*\"says\":\"\(.*\)\"}/\1/p"; }
value() { at "$1" show "$2" | sed -n "s/.*\"$3\":\"\([^\"]*\)\".*/\1/p"; }

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null
npub=$(run identity show --password-file password | member npub)

# No network: everything works, and is queued; a push says so, and loses nothing.
at phone remote add ws://127.0.0.1:1 > /dev/null
note=$(on phone new note title=Fish | member id)
on phone doc edit "$note" 'They swim.' > /dev/null
"$shoal" sync --home phone > output 2> error
check 'a sync fails, and all stays queued' 4 $?
check 'and says where' 1 "$(grep -c 127.0.0.1:1 error)"
check 'nothing is lost' 2 "$(at phone queue | wc -l)"
check 'which is well' true "$(ok phone outbox)"
check 'and told' '2 wait to be sent, 0 were refused' "$(says phone outbox)"

# Two devices with one key write the same field and text at once.
meet phone laptop
on phone set "$note" title=Cod > /dev/null
on laptop set "$note" title=Shark > /dev/null
on phone doc edit "$note" 'They swim fast.' > /dev/null
on laptop doc edit "$note" 'Fish: they swim.' > /dev/null
meet phone laptop
same 'two devices' phone laptop
check 'the later one' Shark "$(value phone "$note" title)"
check 'both texts' 1 "$(value phone "$note" text | grep -c 'Fish: .*hey swim fast')"
check 'all is well' 0 "$(at phone doctor | grep -c '"ok":false')"

# One store is copied: two write under one name.
cp -r phone copy
on phone set "$note" title=Tuna > /dev/null
on copy set "$note" colour=red > /dev/null
on phone doc edit "$note" 'On the phone.' > /dev/null
on copy doc edit "$note" 'On the copy, which is longer.' > /dev/null
meet phone copy laptop
same 'a copied store' phone copy laptop
check 'both fields' 'Tuna red' "$(value copy "$note" title) $(value laptop "$note" colour)"
for device in phone copy laptop; do
    check "$device: a device that counts twice" false "$(ok $device devices)"
    check "$device: one of two texts" false "$(ok $device texts)"
done
check 'the reason' 1 "$(says laptop texts | grep -c 'a device was copied')"
number=$(at copy status | sed -n 's/.*"device":"\([0-9a-f]*\)","events.*/\1/p')
for device in phone copy laptop; do
    check "$device: which device" 1 "$(says $device device | grep -c "$npub, has two stores that are device $number: .* into a store that is empty")"
    check "$device: in which text" 1 "$(says $device text | grep -c "$npub, told two stories by device $number in ${note:0:8}: 1 updates do not count")"
done
check 'what it means' 1 "$(says laptop devices | grep -c 'nothing is lost')"
on laptop doc edit "$note" 'In the end.' > /dev/null
meet phone copy laptop
same 'and after that' phone copy laptop
check 'one text' 'In the end.' "$(value phone "$note" text)"

# Garbage: of a stranger, and signed by oneself; in the place of operations, and of text.
run identity new --password-file password --cost 4 --key stranger > /dev/null
before=$(at phone show "$note" | member hash)
forge() # name, kind, content, tag...: an event after the last one of the note
{
    name=$1
    kind=$2
    content=$3
    shift 3
    last=$(at phone log "$note" --limit 1 | member id)
    hlc=$(printf '%012x0000' $(($(date +%s) * 1000 + 5000)))
    run event --password-file password --kind "$kind" --content "$content" --created-at $((0x${hlc%0000} / 1000)) \
        --tag "hlc=$hlc" --tag "[\"e\",\"$note\",\"\",\"root\"]" --tag "[\"e\",\"$last\",\"\",\"prev\"]" "$@" > "$name"
}
forge foreign 1570 '{"op":"set","k":"title","v":"Stolen"}' --key stranger
forge garbage 1570 'fish'
forge deep 1570 "$(printf '%01000d' 0 | tr 0 '[')"
forge text 1571 '////' --tag c=yjs1
forge base64 1571 '%%%' --tag c=yjs1
forge nobody 1571 AQEBAAQBBHRleHQBeAA= --tag c=yjs1 # of client 1
for name in foreign garbage deep text base64 nobody; do
    check "$name is an event" 1 "$(wc -l < $name)"
    at phone import "$name" > output
    check "$name is kept" 1 "$(member new < output)"
done
check 'it changes nothing' "$before" "$(at phone show "$note" | member hash)"
check 'it is told' 1 "$(says phone others | grep -c '^6 events do nothing')"
check 'and counted' 6 "$(at phone status | member idle)"
cat nobody base64 text deep garbage foreign | at laptop import > /dev/null
same 'garbage, in another order' phone laptop
on phone set "$note" title=Whole > /dev/null
check 'one goes on' Whole "$(value phone "$note" title)"
meet phone laptop copy
same 'together' phone laptop copy

# An entity's clock that is a day ahead, of another device: kept, told, and not believed yet.
ahead=$(($(date +%s) + 86400))
last=$(at phone log "$note" --limit 1 | member id)
hlc=$(printf '%012x0000' $((ahead * 1000)))
run event --password-file password --kind 1570 --content '{"op":"set","k":"title","v":"Tomorrow"}' --created-at $ahead \
    --tag "hlc=$hlc" --tag "[\"e\",\"$note\",\"\",\"root\"]" --tag "[\"e\",\"$last\",\"\",\"prev\"]" > tomorrow
check 'quarantined' 1 "$(at phone import tomorrow | member quarantined)"
check 'not yet' Whole "$(value phone "$note" title)"
check 'told' false "$(ok phone clock)"
check 'in words' 1 "$(says phone clock | grep -c '^1 events are dated ahead of this clock, the first until ')"
check 'one goes on writing' Today "$(on phone set "$note" title=Today > /dev/null && value phone "$note" title)"

# A child without its parent waits; doctor asks for it; the parent ends that.
at phone export '{"kinds":[1570,1571]}' | grep -v -e '"kind":1570.*create' > children
at late import children > /dev/null
check 'all of it waits' false "$(ok late history)"
check 'for one' 1 "$(says late history | grep -c '^1 events are not here')"
at phone export | at late import > /dev/null
check 'no more' true "$(ok late history)"
at phone export | at laptop import > /dev/null
same 'who came late' phone laptop late

# A file that is damaged: said, and saved.
head -c 100 /dev/zero | dd of=copy/store.db conv=notrunc 2> /dev/null
at copy doctor > output
check 'damaged' 1 "$(grep -c 'shoal fsck --rebuild saves what can be read' error)"
at copy fsck --rebuild > /dev/null
meet phone laptop copy
same 'saved' phone laptop copy
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
