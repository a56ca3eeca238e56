#!/bin/bash
# A disk that is full, as a user meets it: what is there stays, it is said what could not be written
# and where, and all goes on once there is room. And a backup, with what is left of what was taken
# back.
#
#     tests/shoal_full.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

says() { sed -n "s/.*\"about\":\"$1\",\"ok\":\([a-z]*\),\"says\":\"\(.*\)\"}/\1 \2/p"; }
ids() { run export | member id | sort | paste -sd ' '; }

printf 'hunter2\n' > password
write identity new --cost 4 > /dev/null
note=$(write new note title=Fish | member id)
run remote add ws://127.0.0.1:1
seq 1 4000 | tr '\n' ' ' > long

# Files that may not grow: a limit of the shell, in KiB.
more() { echo "$1" | cat - long; } # a note that is another one each time
small() { (ulimit -f "$1" && shift && "$shoal" "$@" --password-file password 2> error); }
for most in 1 8 16 24; do
    kept=$(ids)
    queue=$(run queue | wc -l)
    more $most | small $most post - > output
    check "too much for $most" 1 $?
    check "what failed, at $most" 1 "$(grep -c '^shoal post: the disk .*: nothing was written to .*/store.db' error)"
    check "nothing is said to be written, at $most" '' "$(cat output)"
    check "all is as it was, at $most" "$kept $queue" "$(ids) $(run queue | wc -l)"
done
check 'the store is well' right "$(run fsck | member catalog)"
more again | write post - > output
check 'with room again' 0 $?
check 'it is there, and queued' "$((queue + 1))" "$(run queue | wc -l)"

# A disk of three megabytes, where one may be mounted.
mkdir disk
if mount -t tmpfs -o size=3m,mode=700 none disk 2> error; then
    trap 'umount "$home/disk"; rm -rf "$home"' EXIT
    export SHOAL_HOME="$home/disk/store"
    first=$(write new note title=First | member id)
    i=0
    while [ $i -lt 300 ] && more $i | write post - > output; do i=$((i + 1)); done
    check 'the disk is full' 1 "$(grep -c '^shoal post: the disk .*/disk/store/store.db' error)"
    run doctor > diagnosis
    check 'the doctor says where' 1 "$(says disk < diagnosis | grep -c "^false [0-9]* MB free for $SHOAL_HOME: make room")"
    check 'and that it is whole' 1 "$(says store < diagnosis | grep -c '^true')"
    mount -o remount,size=64m disk
    more again | write post - > output
    check 'and with room' 0 $?
    check 'also the first' First "$(run show "$first" | sed -n 's/.*"title":"\([^"]*\)".*/\1/p')"
    check 'all is there' "$((i + 1))" "$(run export '{"kinds":[1]}' | wc -l)"
    unset SHOAL_HOME
else
    echo "no disk can be mounted here: $(cat error)"
fi

# ---- a backup ----

middle=$(write set "$note" title=Secret | member event)
write set "$note" state=read > /dev/null
write rm --forget "$middle" > /dev/null
run export --redacted > backup
run export > open
check 'one line more' 1 "$(($(wc -l < backup) - $(wc -l < open)))"
check 'without what it said' 0 "$(grep -c Secret backup)"
run import backup --home restored > output
check 'taken in' "0 $(wc -l < backup)" "$? $(member new < output)"
check 'the same state' "$(run show "$note")" "$(run show "$note" --home restored)"
check 'the same catalog' "$(run fsck | member hash)" "$(run fsck --home restored | member hash)"
run import backup --home restored > output
check 'twice changes nothing' "0 0 $(wc -l < backup)" "$? $(member new < output) $(member duplicate < output)"

# Of what nobody took back no remains are believed.
grep -v '"kind":5,' backup > unasked
run import unasked --home other > output
check 'no request, no remains' "1 1" "$? $(member invalid < output)"
check 'which line' 1 "$(grep -c '^shoal import: line [0-9]*: the id is not the hash' error)"
sed "s/\"title\":\"Fish\"/\"title\":\"Frog\"/; s/\\\\\"Fish\\\\\"/\\\\\"Frog\\\\\"/" open > forged
run import forged --home third > output
check 'nor what is no remains' 1 "$(member invalid < output)"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
