#!/bin/sh
# shoal sync pull and push: operations of an application become ours, once; what is here goes out in
# pages and comes back the same.
#
#     tests/shoal_operations.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

push() { run sync push --home "$1" --key key --password-file password "$2"; }
# id, operation, entity, payload, time
operation()
{
    printf '{"id":"%s","operation":"%s","entityType":"note","entityId":"%s","payload":%s,"hlcTimestamp":%s,"vectorClock":{"x":1}}' \
        "$1" "$2" "$3" "$4" "$5"
}
pushed() # operation...: one list of them
{
    printf '[' > list
    comma=
    for each; do
        printf '%s%s' "$comma" "$each" >> list
        comma=,
    done
    printf ']\n' >> list
    push one list
}
entity() { run log --home one --limit 1000 | grep -F "shoal:entity:$1" | member id; }
state() { run show "$(entity "$1")" --home one | sed 's/.*"state":\(.*\)}$/\1/'; }
outcome() { printf '{"accepted":%s,"duplicates":%s,"rejected":[%s]}' "$1" "$2" "$3"; }

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 --key key > /dev/null

# In any order, by its time; once.
create=$(operation 1 create a '{"title":"One","size":3}' '"018bcfe568000000"')
late=$(operation 3 update a '{"title":"Three","size":null}' 1700000002000)
early=$(operation 2 update a '{"title":"Two","x":["y"]}' '"1700000001000:4"')
check 'taken' "$(outcome 3 0 '')" "$(pushed "$create" "$late" "$early")"
check 'by time' '{"fields":{"title":"Three","x":["y"]},"type":"note"}' "$(state a)"
check 'its time is kept' 1 "$(run log --home one | grep -c '"hlc","018bcfe56be80004"')"
check 'known again' "$(outcome 0 3 '')" "$(pushed "$early" "$create" "$late")"
check 'nothing more' 3 "$(run log --home one | wc -l)"
check 'kept here' 3 "$(run log --home one | grep -c '\["-"\]')"

# What begins with a change, deletions, and what is ours by its own id.
pushed "$(operation 4 update b '{"title":"B"}' 1700000000000)" "$(operation 5 remove b null 1700000005000)" > /dev/null
check 'deleted' '{"deleted":true,"type":"note"}' "$(state b)"
pushed "$(operation 6 restore b '{"n":1}' 1700000006000)" > /dev/null
check 'restored' '{"fields":{"n":1,"title":"B"},"type":"note"}' "$(state b)"
pushed "$(operation 7 update "$(entity a)" '{"by":"id"}' 1700000000001)" > /dev/null
check 'by our id' '{"fields":{"by":"id","title":"Three","x":["y"]},"type":"note"}' "$(state a)"
pushed "$(operation 8 update a '{"old":1}' 1)" > /dev/null
check 'older than its beginning' 1 "$(state a | grep -c '"old":1,"title":"Three"')"
check 'right' right "$(run fsck --home one | member catalog)"

# What is refused leaves nothing, and the rest counts.
before=$(run log --home one | wc -l)
check 'refused' \
    "$(outcome 1 0 '{"id":"9","reason":"hlcTimestamp: it is ahead of the clock here"},{"id":"10","reason":"payload: no field is called '"'_x'"'"},{"id":"11","reason":"payload: it changes nothing"}')" \
    "$(pushed "$(operation 9 create c '{"a":1}' 99999999999999)" "$(operation 10 create c '{"_x":1}' 1)" \
        "$(operation 11 update a '{}' 1700000000002)" "$(operation 12 update a '{"ok":true}' 1700000000003)")"
check 'one more' $((before + 1)) "$(run log --home one | wc -l)"
status_of 3 sync push list --home one --key key --password-file password
printf '[%s]' "$(operation 13 create d '{"a":1}' 1700000000000)" > trial
check 'a trial' '{"accepted":1,"duplicates":0,"rejected":[],"dry_run":true}' \
    "$(run sync push trial --dry-run --home one --key key --password-file password)"
check 'which writes nothing' $((before + 1)) "$(run log --home one | wc -l)"
printf '[%s]' "$(operation 14 create d '{"a":1}' 1700000000000 | sed 's/note/circle/')" > wrong
status_of 1 sync push wrong --home one --key key --password-file password
printf '[{]' > wrong
status_of 1 sync push wrong --home one
printf '{"a":1}' > wrong
status_of 1 sync push wrong --home one
status_of 1 sync push missing --home one
status_of 5 sync push trial --home one --key key # nobody to ask

# Out in pages, by cursors, and in again, without any key.
run mem save 'for me alone' --home one --key key --password-file password > /dev/null
run post 'for everybody' --home one --key key --password-file password > /dev/null
cursor=
more=true
while [ "$more" = true ]; do
    # shellcheck disable=SC2086
    run sync pull --home one --limit 4 ${cursor:+--cursor $cursor} > page
    cursor=$(sed 's/.*"cursor":"\([^"]*\).*/\1/' page)
    more=$(sed 's/.*"hasMore":\([a-z]*\).*/\1/' page)
    check 'a page' true "$([ "$(grep -o '"hlcTimestamp"' page | wc -l)" -le 4 ] && echo true)"
    cat page >> pages
done
check 'several' true "$([ "$(wc -l < pages)" -gt 2 ] && echo true)"
check 'nothing more' 0 "$(run sync pull --home one --cursor "$cursor" | grep -c '"id"')"
run sync pull --home one --all > all
check 'all of it' "$(grep -o '"_event":{"id":"[0-9a-f]*"' pages)" "$(grep -o '"_event":{"id":"[0-9a-f]*"' all)"
check 'no number of events is lost' "$(run log --home one --limit 1000 | wc -l)" "$(grep -o '"_event"' pages | wc -l)"
check 'open' 1 "$(grep -c '"text":"for me alone"' pages)"
check 'a clock' "$(run status --home one | sed 's/.*"seq":\([0-9]*\).*/\1/')" \
    "$(tail -n 1 all | sed 's/.*"vectorClock":{"[0-9a-f:]*":\([0-9]*\)}}$/\1/')"
run sync push pages --home two > outcome
check 'taken in' "$(outcome "$(run log --home one --limit 1000 | wc -l)" 0 '')" "$(cat outcome)"
for name in a b; do
    id=$(entity $name)
    check "the same $name" "$(run show "$id" --home one)" "$(run show "$id" --home two)"
done
sed 's/for everybody/for nobody/g' all > forged
run sync push forged --home three > outcome
check 'forged' 1 "$(grep -c 'the event is not as it was signed' outcome)"
check 'the cursor of another' 1 "$(run sync pull --home two --cursor "$cursor" || grep -c 'of another store' error)"
status_of 1 sync pull --home one --cursor x
status_of 2 sync pull --home one --limit x
status_of 0 sync pull --help
status_of 0 sync push --help
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
