#!/bin/bash
# Things as they were, as a user meets it: at a time and after an event, compared, blamed, drawn. Who
# was removed from a circle gets into no past by a false date. Batches, and proofs of what is in them.
#
#     tests/shoal_past.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > me
me=$(run identity show --password-file password | member pubkey)
there() { "$shoal" "$@" --home there 2> error; }
carry() # from, to
{
    run export --home "$1" | run import --home "$2" > /dev/null
}
state() { sed 's/.*"state":\(.*\)}$/\1/'; }
parents() { sed 's/.*"parents":\[\([^]]*\)\].*/\1/' | tr -cd ',\n' | awk '{ print length }'; }

# One note, by two devices: what is after which event.
write new note title=Fish tags+=sea --count stock=3 > made
id=$(member id < made)
second=$(write set "$id" title=Shark | member event)
carry .local/share/shoal there
third=$(write set "$id" depth=9 | member event)
other=$(there set "$id" tags-=sea tags+=cold --count stock=-1 --password-file password | member event)
carry there .local/share/shoal
carry .local/share/shoal there
write set "$id" title=Whale --unset depth > /dev/null
check 'the first' '{"counters":{"stock":3},"fields":{"title":"Fish"},"sets":{"tags":["sea"]},"type":"note"}' \
    "$(run show "$id" --at "$id" | state)"
check 'the second' '{"counters":{"stock":3},"fields":{"title":"Shark"},"sets":{"tags":["sea"]},"type":"note"}' \
    "$(run show "$id" --at "$second" | state)"
check 'both devices' '{"counters":{"stock":2},"fields":{"depth":"9","title":"Shark"},"sets":{"tags":["cold"]},"type":"note"}' \
    "$(run show "$id" --at "$other" | state)"
check 'in its second, too' "$(run show "$id" | state)" "$(run show "$id" --at "$(date +%s)" | state)"
check 'nothing waits then' 0 "$(run show "$id" --at "$second" | member waiting)"
check 'as many events' '1 2 4 5' "$(for at in "$id" "$second" "$other" 2100-01-01; do run log "$id" --at $at | wc -l; done | tr '\n' ' ' | sed 's/ $//')"
check 'of all' 2 "$(run log --at "$second" | wc -l)"
status_of 1 show "$id" --at 2020-01-01T10:00:00Z
check 'when' 'shoal show: it was not there at that time' "$(cat error)"
status_of 1 show "$id" --at yesterday
status_of 1 log --at 00000000000000000000000000000000000000000000000000000000000000ff
check 'why' 'shoal log: the event to look back to is not in the store' "$(cat error)"

# Drawn: two columns between what they part from and what they meet in.
check 'columns' '0 0 0 0 1 ' "$(run log "$id" --graph | member column | sort | tr '\n' ' ')"
check 'a merge' '1 0 0 0 0' "$(run log "$id" --graph | parents | tr '\n' ' ' | sed 's/ $//')"
check 'its events' "$(run log "$id" | member id | sort)" "$(run log "$id" --graph | sed 's/.*"event"://' | member id | sort)"
if command -v script > /dev/null; then
    script -qec "$shoal log $id --graph" /dev/null < /dev/null | tr -d '\r' | cut -c 1-4 | sed 's/[0-9a-f ]*$//' | tr '\n' ' ' > drawn
    check 'as people see it' '* |\ | * * | |/ * * ' "$(cat drawn)"
fi

# Compared, and who wrote what.
check 'changes' '{"op":"-","field":"title","value":"Fish"}
{"op":"+","field":"title","value":"Shark"}' "$(run diff "$id" --from "$id" --to "$second")"
check 'of sets and counters' 2 "$(run diff "$id" --from "$second" | grep -c '"op":"-","[sc][eo][tu]')"
check 'nothing' '' "$(run diff "$id" --from "$other" --to "$other")"
status_of 2 diff "$id"
check 'before it was' 0 "$(run diff "$id" --from 2020-01-01 | grep -vc '"op":"+"')"
check 'whose' "$other $me" "$(run blame "$id" | grep '"set":"tags"' > line; member event < line) $(member author < line)"
check 'whose then' "$second" "$(run blame "$id" --at "$other" | grep '"field":"title"' | member event)"
check 'by value' '"Whale"' "$(run blame "$id" | grep '"field":"title"' | sed 's/.*"value":\(.*\)}$/\1/')"
check 'gone' '' "$(run blame "$id" | grep '"field":"depth"')"
check 'there' "$third" "$(run blame "$id" --at "$third" | grep '"field":"depth"' | member event)"

# Its text.
printf 'one\ntwo\n' | write doc edit "$id" - > edited
first=$(member event < edited)
printf 'one\nTWO\n' | write doc edit "$id" - > /dev/null
check 'the text' 'one\ntwo' "$(run doc show "$id" --at "$first" | sed 's/.*"text":"\(.*\)"}$/\1/')"
check 'compared' '-two +TWO' "$(run doc diff "$id" --from "$first" | sed 's/.*"op":"\(.\)".*"text":"\(.*\)"}$/\1\2/' | tr '\n' ' ' | sed 's/ $//')"
check 'lines in it all' '{"op":"-","text":"two"}' "$(run diff "$id" --from "$first" | head -n 1)"
check 'blamed' "$first $first" "$(run doc blame "$id" --at "$first" | member event | tr '\n' ' ' | sed 's/ $//')"
check 'a step' 1 "$(run doc history "$id" --at "$first" | wc -l)"

# A circle, and who was removed from it.
run identity new --key bob --password-file password --cost 4 > /dev/null
bob=$(run identity show --key bob --password-file password | member pubkey)
circle=$(write circle new family --open | member id)
write circle add family "$bob" > /dev/null
then=$(run log "$circle" --limit 1 | member id)
plan=$(write new note title=Plan --circle family | member id)
carry .local/share/shoal there
mine=$(there set "$plan" title=Bob --key bob --password-file password | member event)
printf 'by bob\n' | there doc edit "$plan" - --key bob --password-file password > /dev/null
carry there .local/share/shoal
check 'a member writes' '"Bob"' "$(run show "$plan" | sed 's/.*"title":\("[^"]*"\).*/\1/')"
check 'his line' "$bob" "$(run doc blame "$plan" | member author)"
write circle rm family "$bob" > /dev/null
check 'one is left' "$me" "$(run circle show family | member key)"
check 'two there were' 2 "$(run circle show family --at "$then" | grep -o '"key"' | wc -l)"
status_of 1 circle show family --at 2020-01-01
check 'what was seen of him stays' '"Bob"' "$(run show "$plan" --at "$mine" | sed 's/.*"title":\("[^"]*"\).*/\1/')"
late=$(there set "$plan" title=Late --key bob --password-file password | member event)
carry there .local/share/shoal
check 'he writes no past' '"Bob"' "$(run show "$plan" --at "$late" | sed 's/.*"title":\("[^"]*"\).*/\1/')"
check 'where nobody knows it, he does' '"Late"' "$(there show "$plan" --at "$late" | sed 's/.*"title":\("[^"]*"\).*/\1/')"

# Batches of events under one hash, and proofs of one.
write block new "$id" > made
block=$(member id < made)
events=$(run log "$id" | wc -l)
check 'all of it' "$events 0" "$(member count < made) $(member left < made)"
status_of 1 block new "$id" --password-file password
check 'why' 'shoal block new: all of it is in blocks of yours' "$(cat error)"
run block prove "$second" > proof
check 'proved' "$second $block $me" "$(run block verify proof | member id) $(run block verify < proof | member block) $(run block verify proof | member author)"
check 'short' yes "$([ "$(wc -c < proof)" -lt 700 ] && echo yes)"
sed 's/"index":[0-9]*/"index":0/' proof > wrong
status_of 1 block verify wrong
check 'why' 'shoal block verify: the proof does not lead to its root' "$(cat error)"
sed "s/\"block\":\"[0-9a-f]*/\"block\":\"$id/" proof > wrong
status_of 1 block verify wrong
check 'why' 'shoal block verify: it is no block' "$(cat error)"
status_of 1 block verify proof --home there
check 'why' 'shoal block verify: the block is not here: fetch it' "$(cat error)"
status_of 1 block verify nowhere
write block new > /dev/null
second=$(run block list | head -n 1 | member id)
check 'the rest, after it' "$block" "$(run block show "$second" | member before)"
check 'nothing twice' '' "$({ run block show "$block"; run block show "$second"; } | sed 's/.*"ids":\[//; s/\].*//' | tr ',' '\n' | sort | uniq -d)"
check 'listed' 2 "$(run block list | wc -l)"
check 'here' "$events" "$(run block show "$block" | member here)"
status_of 1 block show "$id"
{
    printf '\0OpenTimestamps\0\0Proof\0\277\211\342\350\204\350\222\224\001\010'
    # shellcheck disable=SC2001,SC2059
    printf "$(echo "$block" | sed 's/../\\x&/g')\360\020"
} > stamp.ots
status_of 1 block anchor "$second" stamp.ots --password-file password
anchor=$(write block anchor "$block" stamp.ots | member event)
check 'anchored' "$anchor" "$(run block show "$block" | sed 's/.*"anchors":\["\([^"]*\).*/\1/')"
check 'and so is what is in it' "$anchor" "$(run block verify proof | sed 's/.*"anchors":\["\([^"]*\).*/\1/')"

# What a thing has come to, compared with what its events come to.
write checkpoint "$id" > made
check 'equal' 'true author' "$(run checkpoint verify "$id" | member equal) $(run checkpoint verify "$id" | member by)"
carry .local/share/shoal there
write set "$id" title=Orca > /dev/null
check 'of then' true "$(run checkpoint verify "$(member event < made)" | member equal)"
check 'by others, too' true "$(there checkpoint verify "$id" | member equal)"
check 'well' true "$(run doctor | grep '"checkpoints"' | member ok)"
status_of 1 checkpoint verify "$plan"
check 'none' 'shoal checkpoint verify: no checkpoint of it is here' "$(cat error)"
run export "{\"kinds\":[1573],\"#e\":[\"$id\"]}" > checkpoint.json
check 'with its state' 1 "$(grep -c 'Whale' checkpoint.json)"
tags=$(sed 's/.*"tags":\[//; s/\],"content".*//; s/\],\[/]\n[/g' checkpoint.json)
lie() # what is replaced, by what
{
    args=()
    while read -r tag; do args+=(--tag "$tag"); done < <(echo "$tags" | grep -v '"x"' | sed "s/$1/$2/")
    run event --kind 1573 --key bob --password-file password "${args[@]}" > lie.json
    run import lie.json > /dev/null
}
lie '"state","[0-9a-f]*' "\"state\",\"$id"
status_of 1 checkpoint verify "$(member id < lie.json)"
check 'a lie' 'false these events come to another state other' \
    "$(member equal < output) $(member why < output) $(member by < output)"
status_of 1 doctor
check 'the doctor says so' false "$(grep '"checkpoints"' output | member ok)"
lie '"fp","[0-9a-f]*' '"fp","00000000000000000000000000000000'
status_of 1 checkpoint verify "$(member id < lie.json)"
check 'of others' 'it says that it covers other events than its heads do' "$(member why < output)"
status_of 1 checkpoint verify "$(member event < made)" --home nowhere
there import lie.json > /dev/null
write checkpoint "$plan" > made
sealed=$(write mem save "a secret" | member id)
run remote add wss://relay.example > /dev/null
check 'a hash of what is sealed is told sealed' 1 "$(write checkpoint "$sealed" | member queued)"
check 'and no other way' 0 "$(run export '{"kinds":[1573]}' | grep -c "$sealed")"
check 'but what all may see is' 1 "$(write checkpoint "$id" --dry-run | member queued)"
run remote rm wss://relay.example > /dev/null
check 'of a circle' 'true admin' "$(run checkpoint verify "$plan" | member equal) $(run checkpoint verify "$plan" | member by)"
run export > all
grep -v "$mine" all | grep -v "\"id\":\"$first\"" | run import --home part > /dev/null
run checkpoint verify "$(member event < made)" --home part > output
check 'of what is not here' 1 $?
check 'why' 'events that it names are not here: fetch them' "$(member why < output)"
write circle add family "$bob" > /dev/null
check 'by the rules of then' true "$(run checkpoint verify "$(member event < made)" | member equal)"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
