#!/bin/sh
# Lists, as a user meets them: filled, put in order on two devices at once, looked at as they were.
#
#     tests/shoal_list.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null

there() { "$shoal" "$@" --home there --password-file password 2> error; }
carry() # from, to
{
    run export --home "$1" | run import --home "$2" > /dev/null
}
values() { sed 's/.*"value":"\{0,1\}\([^"}]*\)"\{0,1\}}$/\1/' | paste -sd ' ' -; }
list() { run list show "$1" todo | values; }

id=$(write new task title=Shopping | member id)
check 'nothing yet' '' "$(list "$id")"
write list insert "$id" todo milk > /dev/null
write list insert "$id" todo a pound of bread > /dev/null
printf 'eggs\n' | write list insert "$id" todo - --at 1 > /dev/null
check 'in order' 'eggs milk a pound of bread' "$(list "$id")"
write list insert "$id" todo '{"n":2}' --value --at 2 > /dev/null
check 'a value' '{"place":2,"value":{"n":2}}' "$(run list show "$id" todo | sed -n 2p)"
event=$(write list rm "$id" todo 2 | member event)
check 'gone' 'eggs milk a pound of bread' "$(list "$id")"
write list move "$id" todo 3 1 > /dev/null
check 'moved' 'a pound of bread eggs milk' "$(list "$id")"
check 'as it was' 'eggs milk a pound of bread' "$(run list show "$id" todo --at "$event" | values)"
check 'in what is shown' '"lists":{"todo":["a pound of bread","eggs","milk"]}' \
    "$(run show "$id" | grep -o '"lists":{[^}]*}')"
write list move "$id" todo 3 1 --dry-run > /dev/null
check 'a dry run changes nothing' 'a pound of bread eggs milk' "$(list "$id")"

# Two devices at once: each element is there once, wherever both moved it.
carry .local/share/shoal there
write list move "$id" todo 3 1 > /dev/null
there list move "$id" todo 3 2 > /dev/null
there list insert "$id" todo salt --at 1 > /dev/null
write list rm "$id" todo 2 > /dev/null # the bread, which is nowhere then
carry there .local/share/shoal
carry .local/share/shoal there
check 'all is there' 'eggs milk salt ' "$(list "$id" | tr ' ' '\n' | sort | tr '\n' ' ')"
check 'the same there' "$(list "$id")" "$(run list show "$id" todo --home there | values)"
check 'the same state' "$(run fsck | member hash)" "$("$shoal" fsck --home there | member hash)"
check 'right all the while' right "$(run fsck | member catalog)"

# What makes no sense.
status_of 1 list move "$id" todo 1 9 --password-file password
check 'why' 'shoal list move: no place 9 in todo, which has 3' "$(cat error)"
status_of 1 list rm "$id" todo 0 --password-file password
check 'from 1' "shoal list rm: expected a place in the list, from 1, got '0'" "$(cat error)"
status_of 1 list insert "$id" todo '{' --value --password-file password
status_of 1 list insert "$id" '' x --password-file password
status_of 1 list show 00000000 todo
status_of 2 list move "$id" todo 1
run identity new --password-file password --cost 4 --key other > /dev/null
status_of 5 list insert "$id" todo stolen --key other --password-file password
for command in show insert move rm; do
    status_of 0 list $command --help
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
