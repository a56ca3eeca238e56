#!/bin/sh
# The text of a thing, as a user meets it: written and edited on two devices at once, looked at as it
# was, line by line.
#
#     tests/shoal_doc.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
export TMPDIR="$home/tmp"
mkdir "$TMPDIR"

printf 'hunter2\n' > password
run identity new --password-file password --cost 4 > /dev/null

there() { "$shoal" "$@" --home there 2> error; }
carry() # from, to
{
    run export --home "$1" | run import --home "$2" > /dev/null
}
lines() { printf '%s\n' "$@"; }
text() { run doc show "$1" | sed 's/.*"text":"\(.*\)"}$/\1/'; }

id=$(write new note title=Fish | member id)
check 'no text yet' '' "$(text "$id")"
lines one two three | write doc edit "$id" - > /dev/null
check 'written' 'one\ntwo\nthree' "$(text "$id")"
write doc edit "$id" one two > /dev/null
check 'as words' 'one two' "$(text "$id")"
lines one two three | write doc edit "$id" - > /dev/null
status_of 1 doc edit "$id" 'one
two
three' --password-file password
check 'why' 'shoal doc edit: nothing was changed' "$(cat error)"
lines one deux three | write doc edit "$id" - --dry-run > /dev/null
check 'a dry run changes nothing' 'one\ntwo\nthree' "$(text "$id")"
check 'found' "$id" "$(run find three | member id)"

# Only what differs is written, in whole characters.
before=$(run export | wc -c)
lines one 'two and a 🐟' three | write doc edit "$id" - > /dev/null
check 'a character past sixteen bits' 'one\ntwo and a 🐟\nthree' "$(text "$id")"
lines one 'two and a 🐠!' three | write doc edit "$id" - > /dev/null
check 'and one that begins alike' 'one\ntwo and a 🐠!\nthree' "$(text "$id")"
check 'little was written' yes "$([ $(($(run export | wc -c) - before)) -lt 2000 ] && echo yes)"
check 'the history' '1 1 1 1 1 ' "$(run doc history "$id" | tail -n 2 | sed 's/.*"added":\(.\),"removed":\(.\).*/\1 \2/' | tr '\n' ' ')$(run log "$id" --limit 1 | grep -c yjs1) "

# In an editor, while another device writes: both are there.
cat > editor <<'END'
#!/bin/sh
stat -c %a "$1" > mode
sed 's/^one$/ONE/' "$1" > edited && cat edited > "$1"
END
chmod +x editor
carry .local/share/shoal there
lines one 'two and a 🐠!' THREE four | there doc edit "$id" - --password-file password > /dev/null
EDITOR=./editor write doc edit "$id" > /dev/null
check 'edited' 'ONE\ntwo and a 🐠!\nthree' "$(text "$id")"
check 'for oneself alone' 600 "$(cat mode)"
check 'nothing is left' 0 "$(find "$TMPDIR" -type f | wc -l)"
carry there .local/share/shoal
carry .local/share/shoal there
check 'both' 'ONE\ntwo and a 🐠!\nTHREE\nfour' "$(text "$id")"
check 'the same there' "$(text "$id")" "$(there doc show "$id" | sed 's/.*"text":"\(.*\)"}$/\1/')"
check 'the same state' "$(run fsck | member hash)" "$(there fsck | member hash)"
EDITOR=false status_of 1 doc edit "$id" --password-file password
check 'an editor that fails' 'shoal doc edit: false failed: nothing was changed' "$(cat error)"
cat > editor <<END
#!/bin/sh
"$shoal" set "$id" title=Shark --password-file password > /dev/null && echo more >> "\$1"
END
EDITOR=./editor status_of 1 doc edit "$id" --password-file password
check 'this device wrote meanwhile' 'shoal doc edit: another command wrote meanwhile: nothing was changed' "$(cat error)"
check 'and nothing was lost' 1 "$(run show "$id" | grep -c Shark)"

# One's own edits are taken back, whatever others wrote since, and made again.
undone=$(write new note title=Undone | member id)
lines one two | write doc edit "$undone" - > /dev/null
lines one TWO | write doc edit "$undone" - > /dev/null
carry .local/share/shoal there
lines zero one TWO | there doc edit "$undone" - --password-file password > /dev/null
carry there .local/share/shoal
write doc undo "$undone" > /dev/null
check 'undone' 'zero\none\ntwo' "$(text "$undone")"
write doc undo "$undone" > /dev/null
check 'all of it' 'zero\n' "$(text "$undone")"
status_of 1 doc undo "$undone" --password-file password
check 'no more' 'shoal doc undo: this device has written nothing to undo' "$(cat error)"
write doc redo "$undone" > /dev/null
write doc redo "$undone" > /dev/null
check 'made again' 'zero\none\nTWO' "$(text "$undone")"
status_of 1 doc redo "$undone" --password-file password
check 'all of that' 'shoal doc redo: this device has written nothing to make again' "$(cat error)"
write doc undo "$undone" > /dev/null
check 'and undone again' 'zero\none\ntwo' "$(text "$undone")"
lines zero one two three | write doc edit "$undone" - > /dev/null
status_of 1 doc redo "$undone" --password-file password
there doc undo "$undone" --password-file password --dry-run > /dev/null
there doc undo "$undone" --password-file password > /dev/null
carry there .local/share/shoal
carry .local/share/shoal there
check 'each its own' 'one\ntwo\nthree' "$(text "$undone")"
check 'the same there' "$(text "$undone")" "$(there doc show "$undone" | sed 's/.*"text":"\(.*\)"}$/\1/')"

# For programs that speak Yjs: "ab", which client 7 wrote, and "c" behind it.
given=$(write new note title=Given | member id)
run doc export "$given" > bytes
check 'nothing yet' '0000' "$(od -An -tx1 bytes | tr -d ' ')"
printf '\001\001\007\000\004\001\004text\002ab\000' > first
write doc apply "$given" first > /dev/null
check 'applied' 'ab' "$(text "$given")"
run doc export "$given" > bytes
check 'as it was given' "$(od -An -tx1 first)" "$(od -An -tx1 bytes)"
check 'in base64' "$(base64 < first)" "$(run doc export "$given" --base64)"
check 'in JSON' "$(base64 < first)" "$(run doc export "$given" --json | member update)"
printf '\001\001\007\002\204\007\001\001c\000' | base64 | write doc apply "$given" - --base64 > /dev/null
check 'gone on with' 'abc' "$(text "$given")"
printf '\001\007\002' > vector
run doc export "$given" --since vector > bytes
check 'the rest' '010107028407010163' "$(od -An -tx1 bytes | tr -d ' \n' | sed 's/00$//')"
write doc undo "$given" > /dev/null
check 'it is not of this device' 'shoal doc undo: this device has written nothing to undo' "$(cat error)"
status_of 1 doc apply "$given" first --password-file password
check 'nothing new' 'shoal doc apply: it says nothing that is not here' "$(cat error)"
printf '\001\001\010\001\204\010\000\001x\000' > late
status_of 1 doc apply "$given" late --password-file password
check 'too early' 'shoal doc apply: it builds on what is not here' "$(cat error)"
printf '\002\001\011\000\004\001\004text\001x\001\010\000\004\001\004text\001y\000' > two
status_of 1 doc apply "$given" two --password-file password
status_of 1 doc apply "$given" password --password-file password
status_of 1 doc apply "$given" first --base64 --password-file password
status_of 1 doc apply "$given" none --password-file password
status_of 1 doc export "$given" --since password

# Who wrote what.
check 'a line each' 4 "$(run doc blame "$id" | wc -l)"
check 'by the events that wrote them' 3 "$(run doc blame "$id" | member event | sort -u | wc -l)"
check 'with its text' 'THREE' "$(run doc blame "$id" | sed -n 3p | member text)"
check 'three and four came together' 1 "$(run doc blame "$id" | tail -n 2 | member event | sort -u | wc -l)"

# As it was, and what became of it since.
check 'nothing before' 4 "$(run doc diff "$id" --from 2020-01-01 | grep -c '"op":"+"')"
check 'or since' 0 "$(run doc diff "$id" --from 2100-01-01 | wc -l)"
check 'or back' 4 "$(run doc diff "$id" --from 2100-01-01 --to 2020-01-01 | grep -c '"op":"-"')"
check 'as it was' '' "$(run doc show "$id" --at 2020-01-01 | sed 's/.*"text":"\(.*\)"}$/\1/')"
status_of 1 doc diff "$id" --from yesterday
status_of 1 doc show 00000000
run event --content plain --password-file password > plain.json
run import plain.json > /dev/null
status_of 1 doc show "$(member id < plain.json)"
status_of 1 doc export "$(member id < plain.json)"
run identity new --password-file password --cost 4 --key other > /dev/null
status_of 5 doc edit "$id" stolen --key other --password-file password
head -c 61000 /dev/zero | tr '\0' x > long
"$shoal" doc edit "$id" - --password-file password < long > output 2> error
check 'too long' 'shoal doc edit: a text of over 60000 bytes' "$(cat error)"
check 'right all the while' right "$(run fsck | member catalog)"
for command in 'doc show' 'doc edit' 'doc history' 'doc diff' 'doc blame' 'doc undo' 'doc redo' 'doc apply' 'doc export'; do
    # shellcheck disable=SC2086
    status_of 0 $command --help
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
