#!/bin/sh
# What people remember and know, as a user meets it: memories, links, units of knowledge, and what is
# known of the fields of things.
#
#     tests/shoal_mind.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null
run remote add wss://relay.example > /dev/null

# What is known of types.
check 'types are listed' 8 "$(run new --help | grep -cE '^  (note|task|memory|unit|profile|follows|message|circle) ')"
check 'with their choices' 1 "$(run new --help | grep -c 'status: open done dropped')"
for wrong in 'task' 'task title=x status=later' 'task title=x due=soon' 'task title=x due=2026-11' \
    'task title=x priority=high' 'task title=x priority:=1.5' 'task title=x assignee=bob' 'task title:=1' \
    'memory text=x kind=dream' 'memory kind=goal' 'memory text=x kind=goal strength:=2' \
    'memory text=x kind=goal strength:=-1' 'memory text=x kind=goal strength:=true' \
    'profile name=x' 'unit' 'circle' 'message' 'follows'; do
    # shellcheck disable=SC2086
    status_of 1 new $wrong --password-file password
done
check 'why' 'shoal new: a follows is made by shoal follow add' "$(cat error)"
check 'none was made' 0 "$(run log | wc -l)"
task=$(write new task title=Feed status=open due=2026-11-21T10:00:00Z priority:=2 tags+=fish \
    assignee=f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9 | member id)
status_of 1 set "$task" status=never --password-file password
check 'what may be' 'shoal set: status of a task: expected open done dropped' "$(cat error)"
status_of 0 set "$task" status=done other=thing --password-file password
status_of 0 new gadget status=never --password-file password

# Memories, which leave here sealed.
one=$(write mem save the shark ate the fish --kind episodic --strength 0.9 --tag sea | member id)
two=$(write mem save sharks eat fish --strength 0.2 | member id)
check 'they are not queued as they are' 0 "$(run queue | grep -c -e "$one" -e "$two")"
check 'nor exported' 0 "$(run export | grep -ce shark)"
check 'but sealed' 2 "$(run export '{"kinds":[1575]}' | wc -l)"
check 'as is a change' 1 "$(write set "$one" strength:=0.8 --relay wss://mine.example | member queued)"
public=$(write mem save public --scope public --kind goal | member id)
check 'for all' 1 "$(run queue | grep -c "$public")"
check 'recalled by words' "$one" "$(run mem recall shark ate | member id)"
check 'by words and strength' "$two" "$(run mem recall fish | grep -vF '"strength":0.8' | member id)"
check 'by strength' "$one" "$(run mem recall fish --min-strength 0.5 | member id)"
check 'by kind' "$two" "$(run mem recall fish --kind semantic | member id)"
check 'the last first' 3 "$(run mem recall | wc -l)"
check 'at most' 1 "$(run mem recall --limit 1 | wc -l)"
check 'all of it' "{\"id\":\"$one\",\"kind\":\"episodic\",\"strength\":0.8,\"status\":\"fresh\",\"text\":\"the shark ate the fish\",\"tags\":[\"sea\"],\"links\":[]}" \
    "$(run mem recall ate | sed 's/"author":"[0-9a-f]*",//')"
check 'no other thing' '' "$(run mem recall Feed)"
status_of 2 mem recall --min-strength much
status_of 1 mem save x --kind dream --password-file password
status_of 1 mem save x --strength 7 --password-file password

# Consolidated: what came of them is linked to each.
into=$(write mem consolidate "$one" "$two" --into 'sharks and fish do not mix' --strength 1 | member id)
check 'both are' 2 "$(run mem recall fish --status consolidated | grep -c -e "$one" -e "$two")"
check 'the new one is fresh' "$into" "$(run mem recall --status fresh --kind semantic | member id)"
check 'and leads to both' 2 "$(run show "$into" | grep -o '"rel":"derived"' | wc -l)"
check 'they tell' "\"linked_from\":[{\"from\":\"$into\",\"rel\":\"derived\"}]" \
    "$(run show "$one" | grep -o '"linked_from":.*\]')"
status_of 1 mem consolidate "$task" --password-file password

# Links between any things.
note=$(write new note title=Sharks | member id)
write link "$note" "$(echo "$task" | cut -c 1-8)" --rel about > /dev/null
check 'linked' "[{\"rel\":\"about\",\"to\":\"$task\"}]" "$(run show "$note" | sed 's/.*"links":\(\[.*\]\)},"type".*/\1/')"
check 'from there' "[{\"from\":\"$note\",\"rel\":\"about\"}]" "$(run show "$task" | sed 's/.*"linked_from":\(.*\)}$/\1/')"
check 'a dry run' true "$(write link "$note" "$task" --rel about --rm --dry-run | member dry_run)"
write link "$note" "$task" --rel about --rm > /dev/null
check 'no more' 0 "$(run show "$task" | grep -c linked_from)"
status_of 1 link "$note" "$task" --rel about --rm --password-file password
status_of 1 link "$note" "$task" --rel 'a b' --password-file password

# Knowledge, and what it was derived from.
a=$(write unit save 'fish swim' --title A | member id)
b=$(write unit save 'sharks swim' --title B --tag sea | member id)
c=$(write unit save 'so sharks may be fish' --title C --from "$a" --from "$b" | member id)
d=$(write unit save 'and so on' --title D --from "$c" --from "$a" --from "$a" | member id)
check 'kind and tags' "1580 [[\"e\",\"$a\",\"\",\"derived\"],[\"e\",\"$b\",\"\",\"derived\"],[\"title\",\"C\"]]" \
    "$(run show "$c" | member kind) $(run show "$c" | sed 's/.*"tags":\(.*\),"content".*/\1/')"
check 'lineage' "$d $c " "$(run unit lineage "$d" | member id | head -n 2 | tr '\n' ' ')"
check 'of four' 4 "$(run unit lineage "$d" | wc -l)"
check 'its parents' "{\"id\":\"$c\",\"here\":true,\"parents\":[\"$a\",\"$b\"]}" "$(run unit lineage "$d" | sed -n 2p)"
check 'found' "$c" "$(run find so sharks may | member id)"
# Messages are found once they were opened.
me=$(run show "$c" | member pubkey)
message=$(write dm send --to "$me" 'sharks at midnight' --relay wss://r.example | member id)
check 'not opened yet' '' "$(run find midnight)"
write dm list > /dev/null
check 'a message' "{\"id\":\"$message\",\"author\":\"$me\",\"kind\":14,\"excerpt\":\"sharks at midnight\"}" \
    "$(run find MIDNIGHT sharks)"
check 'at most' 1 "$(run find sharks --limit 1 | wc -l)"
run export "{\"ids\":[\"$d\",\"$c\"]}" | run import --home other > /dev/null
check 'some are elsewhere' 2 "$(run unit lineage "$d" --home other | grep -c '"here":false')"
if command -v script > /dev/null; then # drawn on a terminal
    script -qec "$shoal unit lineage $d" /dev/null < /dev/null | tr -d '\r' > drawn
    check 'drawn' 4 "$(grep -c '\*' drawn)"
fi
status_of 1 unit lineage 00000000
check 'right all the while' right "$(run fsck | member catalog)"
for command in 'mem save' 'mem recall' 'mem consolidate' link 'unit save' 'unit lineage'; do
    # shellcheck disable=SC2086
    status_of 0 $command --help
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
