#!/bin/bash
# What things came to, as several people sign it: a state larger than an event goes in pieces, who
# lacks the events reads it all the same, lies in pieces do no harm, and others sign what they have
# computed. What is of a sealed circle is read and signed by its members alone.
#
#     tests/shoal_checkpoint.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

of() # person, argument...
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" 2> error
}
sync() # person...
{
    for one; do of "$one" sync --all --timeout 100 > /dev/null || { cat error; exit 1; }; done
}
fails() # wanted status, person, argument...
{
    wanted=$1
    shift
    by "$@" > output < /dev/null
    check "status of $*" "$wanted" $?
}

write() { seq -f "$2" 1 "$3" | by alice doc edit "$1" - > /dev/null || cat error; } # what, line, lines
looks() # person, argument...: and finds what is wrong
{
    of "$@" > output
    check "status of $*" 1 $?
}

printf 'hunter2\n' > password
for person in alice bob carol; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
    of "$person" remote add "$url" > /dev/null
done
bob=$(cat pubkey-bob)
alice=$(cat pubkey-alice)

# ---- a large one ----

note=$(by alice new note title=Whales | member id)
write "$note" 'the whale %g "sings"' 800
write "$note" 'the whale %g "sings"' 1600
write "$note" 'the whale %g "sings"' 2400
made=$(by alice checkpoint "$note" | member event)
check 'it is large' yes "$([ "$(of alice checkpoint show "$made" | wc -c)" -gt 50000 ] && echo yes)"
check 'in pieces' 3 "$(of alice export '{"kinds":[1584]}' | wc -l)"
check 'not in itself' 0 "$(of alice export '{"kinds":[1573]}' | grep -c sings)"
check 'right' 'true 1' "$(of alice checkpoint verify "$made" | member equal) $(of alice checkpoint verify "$made" | member signers)"
sync alice
of bob fetch "$url" --filter "{\"kinds\":[1573,1584],\"#e\":[\"$note\"]}" --timeout 100 > /dev/null || cat error
check 'no more than that' 4 "$(of bob export | wc -l)"
check 'who lacks the events reads it' "$(of alice checkpoint show "$made" | sha256sum)" "$(of bob checkpoint show "$made" | sha256sum)"
check 'and knows no better' 'events that it names are not here: fetch them' "$(of bob checkpoint verify "$made" | member why)"
fails 1 bob checkpoint sign "$made"
check 'nor does bob sign it' 'shoal checkpoint sign: events that it names are not here: fetch them' "$(cat error)"

# Pieces of other bytes, by somebody else; and one that is lost.
of bob export '{"kinds":[1584]}' > pieces
tag=$(grep -o '\["x",[^]]*\]' pieces | head -n 1)
size=$(cut -d '"' -f 6 <<< "$tag")
printf 'x%.0s' {1..24576} | base64 -w 0 > wrong
run event --kind 1584 --key bob --password-file password --tag "$tag" --content - < wrong > forged 2> error || cat error
check 'made' 1 "$(grep -c '"kind":1584' forged)"
of carol import forged > /dev/null
of bob export '{"kinds":[1573]}' | of carol import > /dev/null
looks carol checkpoint show "$made"
check 'what is wrong is not shown' 'shoal checkpoint show: its state is not here, or was not sent' "$(cat error)"
head -n 2 pieces | of carol import > /dev/null
looks carol checkpoint show "$made"
of carol import pieces > /dev/null
check 'all pieces' "$((size + 1))" "$(of carol checkpoint show "$made" | wc -c)"
looks carol checkpoint show "$(member id < forged)"
check 'no checkpoint' 'shoal checkpoint show: it is no checkpoint' "$(cat error)"

# Others sign what they have computed; of a thing of hers alice alone is trusted.
sync bob
second=$(by bob checkpoint sign "$made" | member event)
check 'bob says so' 'true other' "$(of bob checkpoint verify "$second" | member equal) $(of bob checkpoint verify "$second" | member by)"
check 'and reads it without pieces of his' "$((size + 1))" "$(of bob checkpoint show "$second" | wc -c)"
check 'she is the one' 1 "$(of bob checkpoint verify "$made" | member signers)"

# ---- of a circle ----

by alice circle new family > /dev/null
by alice circle add family "$bob" --role admin > /dev/null
plan=$(by alice new note title=Plan --circle family | member id)
write "$plan" 'a secret step %g' 800
write "$plan" 'a secret step %g' 1500
made=$(by alice checkpoint "$plan" | member event)
sync alice bob carol
by bob circle keys > /dev/null
by carol circle keys > /dev/null
check 'no relay sees it' 0 "$("$shoal" export --home home-relay | grep -c -e secret -e "$made" -e "$plan")"
check 'nor its pieces' 0 "$("$shoal" export "{\"kinds\":[1573,1584],\"#h\":[\"$(of alice circle show family | member id)\"]}" --home home-relay | wc -l)"
check 'a member does' "$(of alice checkpoint show "$made" | sha256sum)" "$(of bob checkpoint show "$made" | sha256sum)"
check 'nobody else' '' "$(of carol checkpoint show "$made")"
looks bob checkpoint verify "$made" --signers 2
check 'one of two' 'too few of those who are trusted have signed it' "$(member why < output)"
by bob checkpoint sign "$made" > /dev/null || cat error
sync bob alice
by alice circle keys > /dev/null
check 'both say the same' '2 true' "$(of alice checkpoint verify "$made" --signers 2 | member signers) $(of alice checkpoint verify "$made" --signers 2 | member equal)"
by alice set "$plan" title=Other > /dev/null
check 'of then' 'true' "$(of alice checkpoint verify "$made" | member equal)"
by bob set "$plan" title=His > /dev/null
last=$(by bob checkpoint "$plan" | member event)
check 'another state is not theirs' 1 "$(of bob checkpoint verify "$last" | member signers)"

# ---- knowledge of a circle ----

unit=$(by bob unit save 'whales are mammals' --title whales --circle family | member id)
from=$(by bob unit save 'so they breathe' --from "$unit" --circle family | member id)
sync bob alice carol
by alice circle keys > /dev/null
check 'members read it' "$unit" "$(of alice find mammals | member id)"
check 'and what it is from' 2 "$(of alice unit lineage "$from" | grep -c '"here":true')"
check 'nobody else' '0 0' "$(of carol find mammals | wc -l) $("$shoal" export --home home-relay | grep -c mammals)"
check 'nor is it told' 0 "$(of alice export | grep -c mammals)"
by alice circle role family "$bob" reader > /dev/null || cat error
sync alice bob
fails 5 bob unit save 'more' --circle family
check 'who only reads' 'shoal unit save: the circle does not let you write' "$(cat error)"
mine=$(by alice unit save 'the whale is mine' --scope self | member id)
all=$(by alice unit save 'whales swim' | member id)
sync alice bob
check 'scopes' " $all" "$(of bob find mine | member id) $(of bob find swim | member id)"
check 'hers' "$mine" "$(of alice find mine | member id)"
check 'rebuilt, it is the same' 1 "$(of alice fsck | grep -c '"bad":0,"catalog":"right"')"
check 'hers is hers' "$alice" "$(of alice circle show self | grep -o '"key":"[0-9a-f]*' | cut -d '"' -f 4)"

printf '%d checks, %d failures\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
