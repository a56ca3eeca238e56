#!/bin/sh
# The client's store as a user meets it: things made, changed and deleted, found and sent on; two
# processes at once, kill -9 at any moment, a damaged file, a newer version.
#
#     tests/shoal_store.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

state() { run show "$1" | sed 's/.*"state":\(.*\)}$/\1/'; }

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null

# A thing of one's own.
id=$(write new note title=Fish tags+=sea tags+=cold 'n:={"b": 1.0, "a": []}' --count stock=3 | member id)
check 'an id' 64 ${#id}
check 'the folder' '700 600' "$(stat -c %a .local/share/shoal) $(stat -c %a .local/share/shoal/store.db)"
check 'its state' \
    '{"counters":{"stock":3},"fields":{"n":{"a":[],"b":1},"title":"Fish"},"sets":{"tags":["cold","sea"]},"type":"note"}' \
    "$(state "$id")"
write set "$id" title=Shark tags-=sea --count stock=-1 --unset n > /dev/null
check 'changed' '{"counters":{"stock":2},"fields":{"title":"Shark"},"sets":{"tags":["cold"]},"type":"note"}' \
    "$(state "$id")"
hash=$(run fsck | member hash)
for command in "set $id title=Other" "rm $id" "new note"; do
    # shellcheck disable=SC2086
    check "dry run of $command" true "$(write $command --dry-run | member dry_run)"
done
check 'a dry run changes nothing' "$hash" "$(run fsck | member hash)"
short=$(echo "$id" | cut -c 1-8)
note=$(run encode note "$id" | tr -d '"')
for name in "$short" "$note" "nostr:$note" "$(run cid "$id" | member cid)"; do
    check "named $name" "$id" "$(run show "$name" | member id)"
done
check 'found' "$id" "$(run find shark cold | member id)"
check 'found by what is a word of the search, too' '' "$(run find 'shark" OR "x')"
check 'what was there is not found' '' "$(run find fish)"
check 'deleted' '{"deleted":true,"type":"note"}' "$(write rm "$short" > /dev/null && state "$id")"
check 'what is deleted is not found' '' "$(run find shark)"
check 'restored' '{"counters":{"stock":2},"fields":{"title":"Shark"},"sets":{"tags":["cold"]},"type":"note"}' \
    "$(write restore "$id" > /dev/null && state "$id")"
check 'its events' 4 "$(run log "$id" | wc -l)"
check 'the newest first' "$id" "$(run log "$id" | tail -n 1 | member id)"
check 'at most' 2 "$(run log --limit 2 | wc -l)"
status_of 1 show "$id" --at 2020-01-01
check 'when' 'shoal show: it was not there at that time' "$(cat error)"
check 'as it is now' "$id" "$(run show "$id" --at 2100-01-01T00:00:00Z | member id)"
status_of 1 show "$id" --at yesterday
status_of 1 show 00000000
status_of 1 show zz
status_of 1 set "$id" novalue --password-file password
status_of 1 set "$id" 'n:={' --password-file password
status_of 1 set "$id" tags-=sea --password-file password
status_of 1 set "$id" --password-file password
status_of 2 new
check 'nothing of these was kept' 4 "$(run log | wc -l)"

# Events move between stores; twice changes nothing.
run export > events
check 'all of them' 4 "$(wc -l < events)"
check 'a filter' 1 "$(run export "{\"ids\":[\"$id\"]}" | wc -l)"
status_of 2 export '{'
check 'dry import' 4 "$(run import events --home two --dry-run | member new)"
check 'imported' '{"new":4,"duplicate":0,"quarantined":0,"ephemeral":0,"invalid":0}' \
    "$(sort -r events | run import --home two)"
check 'imported again' '{"new":0,"duplicate":4,"quarantined":0,"ephemeral":0,"invalid":0}' \
    "$(run import --home two < events)"
check 'one state' "$(run fsck | member hash)" "$(run fsck --home two | member hash)"
sed 's/Shark/Whale/' events > forged
run import --home two forged > output
check 'a forged event' '1 3 1' "$? $(member duplicate < output) $(member invalid < output)"
status_of 1 import nowhere
run identity new --password-file password --cost 4 --key other > /dev/null
status_of 5 set "$id" title=Stolen --key other --password-file password
status_of 5 rm "$id" --key other --password-file password

# What is to be sent.
write set "$id" n=1 --relay wss://a.example --relay wss://b.example > /dev/null
check 'queued for both' 2 "$(run queue | wc -l)"
check 'counted' 2 "$(run status | member queued)"
check 'due' '{"due":1}' "$(run queue retry wss://a.example)"
check 'dropped, not really' '{"dropped":2,"dry_run":true}' "$(run queue drop --dry-run)"
check 'dropped' '{"dropped":1}' "$(run queue drop wss://b.example)"
check 'left' wss://a.example "$(run queue | member relay)"

# What is dated ahead waits, and doctor says so.
status_of 0 doctor
run event --content later --created-at $(($(date +%s) + 3600)) --password-file password > later.json
check 'quarantined' 1 "$(run import later.json | member quarantined)"
check 'not found yet' '' "$(run find later)"
status_of 1 doctor
check 'the clock' false "$(grep '"clock"' output | member ok)"
run event --content gone --password-file password > gone.json
run import gone.json > /dev/null
gone=$(member id < gone.json)
check 'found' "$gone" "$(run find gone | member id)"
status_of 5 rm "$gone" --key other --password-file password
write rm "$gone" > /dev/null
check 'asked for' "$gone" "$(run export '{"kinds":[5]}' | sed 's/.*\["e","\([^"]*\)".*/\1/')"
check 'taken back' '0 ' "$(run export | grep -c gone) $(run find gone)"
check 'not taken in again' 1 "$(run import gone.json | member duplicate)"
# Another person who asks to be forgotten (NIP-62) is, whatever comes before or after.
run identity new --password-file password --cost 4 --key carol > /dev/null
for words in first second; do
    run event --content "$words of carol" --created-at 1700000000 --key carol --password-file password > $words.json
done
run event --kind 62 --tag relay=wss://a.example --key carol --password-file password > asked
run import first.json asked > /dev/null 2>&1 || { run import first.json; run import asked; } > /dev/null
check 'asked of one relay only' "$(member id < first.json)" "$(run find carol | member id)"
run event --kind 62 --tag relay=ALL_RELAYS --key carol --password-file password > asked
run import asked > /dev/null
run import second.json > /dev/null
check 'forgotten' '0 ' "$(run export | grep -c carol) $(run find carol)"
check 'known all the same' '1 1' "$(run import first.json | member duplicate) $(run import second.json | member duplicate)"
check 'in the other order' '0 0' "$(cat asked first.json second.json | run import --home forgetful | member invalid) $(run export --home forgetful | grep -c carol)"
check 'by other ways, the same' "$(run fsck --home forgetful | member hash)" \
    "$(cat second.json asked first.json | run import --home forgetful2 > /dev/null; run fsck --home forgetful2 | member hash)"
check 'the file forgets, too' '0 0' "$(grep -c 'content":"gone' .local/share/shoal/store.db) $(grep -c 'of carol' .local/share/shoal/store.db)"
secret=$(write set "$id" secret=oyster | member event)
check 'said' 1 "$(run find oyster | wc -l)"
write rm "$secret" --forget > /dev/null
check 'forgotten' '0 0' "$(run find oyster | wc -l) $(run export | grep -c oyster)"
check 'what came after it counts' 2 "$(write set "$id" n=2 > /dev/null && state "$id" |
    sed 's/.*"n":"\(.\)".*/\1/')"
check 'right all the while' right "$(run fsck | member catalog)"

# Two at once: each change is there, each with a count of its own.
for writer in 1 2 3; do
    for i in 1 2 3; do write set "$id" "w$writer$i=x" > /dev/null || echo lost; done > "lost$writer" &
done
wait
check 'no change was refused' '' "$(cat lost1 lost2 lost3)"
check 'every change' 9 "$(state "$id" | grep -o '"w[1-3][1-3]":"x"' | wc -l)"
check 'each counted once' "$(run status | member seq)" "$(run status | sed 's/.*"clock"//' | member events)"

# kill -9 at any moment: what was acknowledged is there, with all that it was queued for.
run queue drop > /dev/null
acknowledged=0
for delay in $(seq 10 15 400); do
    event=$(timeout -s KILL "$(printf '0.%03d' "$delay")" "$shoal" set "$id" k=v --password-file password \
        --relay wss://a.example --relay wss://b.example 2> error | member event)
    [ -n "$event" ] || continue
    acknowledged=$((acknowledged + 1))
    check "$event was kept" "$event" "$(run show "$event" | member id)"
    check "$event is queued" 2 "$(run queue | grep -c "$event")"
done
check 'something was acknowledged' yes "$([ $acknowledged -gt 0 ] && echo yes)"
check 'both relays, or none' 0 "$(run queue | member id | sort | uniq -c | grep -vc ' 2 ')"
check 'whole after all that' right "$(run fsck | member catalog)"

# Somebody else's version, and a file that is none.
cp -r .local/share/shoal newer
run fsck --home newer > /dev/null
printf '\0\0\0\143' | dd of=newer/store.db bs=1 seek=60 conv=notrunc 2> /dev/null
status_of 1 status --home newer
check 'why' 1 "$(grep -c 'a newer shoal made the store (version 99, this one knows 6): update' error)"
cp -r .local/share/shoal broken
head -c 100 /dev/zero | dd of=broken/store.db conv=notrunc 2> /dev/null
status_of 1 status --home broken
check 'what to do' 'shoal status: the store is damaged: shoal fsck --rebuild saves what can be read' "$(cat error)"
status_of 1 fsck --home broken
status_of 1 fsck --rebuild --dry-run --home broken
status_of 0 fsck --rebuild --home broken
check 'told' 1 "$(grep -c 'the store was damaged: [0-9]* events were saved' error)"
run export --home broken | sort > saved
check 'all of them' '' "$(run export | sort | comm -23 - saved)"
check 'the same state' "$(state "$id")" "$(run show "$id" --home broken | sed 's/.*"state":\(.*\)}$/\1/')"
check 'the damaged one is kept' 1 "$(find broken -name 'damaged-*.db' | wc -l)"
status_of 0 fsck --home broken
mkdir -m 755 open
status_of 5 status --home open
for command in new set rm restore show log find queue 'queue retry' 'queue drop' import export status \
    fsck doctor; do
    # shellcheck disable=SC2086
    status_of 0 $command --help
    check "help of $command" "usage: shoal $command" \
        "$(sed -n 3p output | cut -c "1-$((13 + ${#command}))")"
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
