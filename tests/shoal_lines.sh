#!/bin/sh
# Ids, people, words and filters that come by lines of standard input, as a word "-" asks for.
#
#     tests/shoal_lines.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

made() { write new note title="$1" | member id; }
title() { run show "$1" | sed -n 's/.*"title":"\([^"]*\)".*/\1/p'; }
titles() { sed -n 's/.*"title":"\([^"]*\)".*/\1/p' | paste -sd ' '; }

printf 'hunter2\n' > password
write identity new --cost 4 > /dev/null
one=$(made One)
two=$(made Two)
three=$(made Three)
printf '%s\n\n%s \r\n' "$one" "$two" > both
printf '%s\nnothing\n%s\n' "$one" "$two" > odd

# What looks does so for each line, and tells of those that failed.
check 'shown' 'One Two' "$(run show - < both | titles)"
check 'words and lines' 'Three One Two' "$(run show "$three" - < both | titles)"
check 'several words' 'One Three' "$(run show "$one" "$three" | titles)"
run show - < odd > output
check 'one of them is none' 1 $?
check 'the others are shown' 'One Two' "$(titles < output)"
check 'and it is named' 1 "$(grep -c '^shoal show: line 2: ' error)"
check 'no line, nothing to do' '' "$(run show - < /dev/null)"
check 'the log of each' 2 "$(run log - < both | wc -l)"
check 'the log of all' 3 "$(run log < both | wc -l)"
check 'lines to find' 2 "$(printf 'One\nThree\n' | run find - | wc -l)"
check 'what is encoded' "$(run encode note "$one") $(run encode note "$two")" "$(run encode note - < both | paste -sd ' ')"
check 'the type, too' "$(run encode note "$one")" "$(echo note | run encode - "$one")"
check 'but one word only' 1 "$(run encode - - < both > output; echo $?)"
check 'it says so' 'shoal encode: only one word can be what standard input says' "$(cat error)"
write set "$one" title=Eins > /dev/null
check 'what changed' 2 "$(run diff - --from 2020-01-01 < both | grep -c title)"
check 'who wrote it' 2 "$(run blame - < both | grep -c title)"

# What writes does so for all lines, or for none.
write set - state=read < both > output
check 'set' 2 "$(wc -l < output)"
check 'in both' 2 "$(run show - < both | grep -c '"state":"read"')"
write set - state=lost < odd > output
check 'not set' 1 $?
check 'nothing is said' '' "$(cat output)"
check 'for which line' 1 "$(grep -c '^shoal set: line 2: ' error)"
check 'in none' 0 "$(run show - < both | grep -c '"state":"lost"')"
cat password both | "$shoal" set - state=safe --password-file - > /dev/null
check 'after a password' 2 "$(run show - < both | grep -c '"state":"safe"')"
write link - "$three" --rel part-of < both > output
check 'linked' 2 "$(run show "$three" | grep -o '"rel":"part-of"' | wc -l)"
write rm - < both > output
check 'gone' 2 "$(wc -l < output)"
check 'both' 2 "$(run show - < both | grep -c '"deleted":true')"
write restore - < both > /dev/null
check 'back' Eins "$(title "$one")"
write rm - --dry-run < both > output
check 'tried' 2 "$(grep -c dry_run output)"
check 'is still there' Eins "$(title "$one")"

# Texts, lists, circles, checkpoints and blocks, too.
write doc edit "$one" 'A text.' > /dev/null
write doc edit "$two" 'Another.' > /dev/null
check 'texts' 'A text. Another.' "$(run doc show - < both | sed 's/.*"text":"\(.*\)"}$/\1/' | paste -sd ' ')"
check 'their history' 2 "$(run doc history - < both | wc -l)"
check 'their lines' 2 "$(run doc blame - < both | wc -l)"
check 'what came into them' 2 "$(run doc diff - --from 2020-01-01 < both | grep -cE 'A text|Another')"
write doc undo - < both > output
check 'undone' '2 2' "$(wc -l < output) $(run doc show - < both | grep -c '"text":""')"
write doc redo - < both > output
check 'made again' '2 0' "$(wc -l < output) $(run doc show - < both | grep -c '"text":""')"
for id in "$one" "$two"; do write list insert "$id" steps first > /dev/null; done
check 'lists' 2 "$(run list show - steps < both | grep -c first)"
write checkpoint - < both | member event > said
check 'checkpoints' 2 "$(wc -l < said)"
check 'what they say' 2 "$(run checkpoint show - < said | wc -l)"
write checkpoint sign - < said > output
check 'signed' 2 "$(wc -l < output)"
for id in "$one" "$two"; do write block new "$id" | member id; done > blocks
check 'blocks' 2 "$(run block show - < blocks | wc -l)"
check 'proofs' 2 "$(run block prove - < both | grep -c root)"
write circle new pond > /dev/null
for secret in 3 4; do
    printf '%064d\n' $secret > secret
    run identity import --from secret --key "key-$secret" --cost 4 --password-file password | member pubkey
done > people
write circle add pond - < people > /dev/null
check 'all are let in' 3 "$(run circle show pond | grep -o '"rank"' | wc -l)"
write circle role pond - reader < people > /dev/null
check 'all may read' 2 "$(run circle show pond | grep -o '"role":"reader"' | wc -l)"
check 'circles' 3 "$(echo pond | run circle show - | grep -o '"rank"' | wc -l)"
printf '%s\nnobody\n' "$(head -n 1 people)" > odd-people
write circle rm pond - < odd-people > output
check 'none of them is removed' 3 "$(run circle show pond | grep -o '"rank"' | wc -l)"
write circle rm pond - < people > /dev/null
check 'all are' 1 "$(run circle show pond | grep -o '"rank"' | wc -l)"

# Words that are no lines, though they look like it.
note=$(write post 'a note' | member id)
write react "$note" - > output
check 'disliked' '"content":"-"' "$(run show "$(member event < output)" | grep -o '"content":"-"')"
echo "$note" | write react - + > output
check 'liked' '"content":"+"' "$(run show "$(member event < output)" | grep -o '"content":"+"')"
check 'read' 1 "$(echo "$note" | run thread - | grep -c 'a note')"

# All lines at once.
for secret in 1 2; do
    printf '%064d\n' $secret > secret
    run identity import --from secret --key "key-$secret" --cost 4 --password-file password | member pubkey
done > pubkeys
write follow add - < pubkeys > output
check 'one list' 1 "$(wc -l < output)"
check 'both' 2 "$(run follow list | wc -l)"
head -n 1 pubkeys | write follow rm - > /dev/null
check 'one less' 1 "$(run follow list | wc -l)"
check 'no profile of theirs' 1 "$(run profile show - < pubkeys; grep -c 'line 2: no profile' error)"
write friend req - < pubkeys > output
check 'nobody knows where he reads' 1 $?
check 'the first' 1 "$(grep -c '^shoal friend req: line 1: ' error)"
i=0
while [ $i -lt 300 ]; do head -n 1 pubkeys; i=$((i + 1)); done | write follow rm - > output
check 'too many' 1 $?
check 'how many' 'over 256 words' "$(sed 's/.*: //' error)"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
