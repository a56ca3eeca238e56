#!/bin/bash
# Somebody writes in a text who was removed meanwhile: nothing of that counts, and programs that apply
# all that they hear are told, once, by whoever may write.
#
#     tests/shoal_mend.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

printf 'hunter2\n' > password
on() { person=$1; shift; "$shoal" "$@" --home "home-$person" 2> error; }
by() { who=$1; shift; on "$who" "$@" --key "$who" --password-file password; }
carry() { on "$1" export | on "$2" import > /dev/null; }
text() { on "$1" doc show "$2" | sed 's/.*"text":"\(.*\)"}$/\1/'; }
for person in alice bob; do
    run identity new --key $person --password-file password --cost 4 | member pubkey > "pubkey-$person"
done

by alice circle new market --open > /dev/null
by alice circle add market "$(cat pubkey-bob)" > /dev/null
note=$(by alice new note title=Fish --circle market | member id)
by alice doc edit "$note" 'They swim.' > /dev/null
carry alice bob
by bob doc edit "$note" 'They swim fast.' > /dev/null
carry bob alice
check 'a member writes' 'They swim fast.' "$(text alice "$note")"

by bob doc edit "$note" 'They swim fast, and sink.' > /dev/null # while alice removes him
by alice circle rm market "$(cat pubkey-bob)" > /dev/null
count=$(on alice export | grep -c '"kind":1571')
carry bob alice
check 'which counts for nothing' 'They swim fast.' "$(text alice "$note")"
by alice circle keys --dry-run > /dev/null
by alice circle keys > /dev/null
check 'others are told' $((count + 2)) "$(on alice export | grep -c '"kind":1571')"
check 'by what only deletes' 1 "$(on alice export | grep -cE '"kind":1571.*"content":"AA[E-H]|"content":"AA[E-H].*"kind":1571')"
by alice circle keys market > /dev/null
check 'once' $((count + 2)) "$(on alice export | grep -c '"kind":1571')"
check 'the text is as it was' 'They swim fast.' "$(text alice "$note")"
carry alice bob
check 'the same there' 'They swim fast.' "$(text bob "$note")"
by bob circle keys > /dev/null
check 'he may not' $((count + 2)) "$(on bob export | grep -c '"kind":1571')"
by alice doc edit "$note" 'They swim.' > /dev/null
check 'and it goes on' 'They swim.' "$(text alice "$note")"

# What a removed member wrote comes from a relay: fetching is enough, by whom may write and has a key
# at hand.
by alice circle add market "$(cat pubkey-bob)" > /dev/null
carry alice bob
by bob doc edit "$note" 'They swim. They sink.' > /dev/null
by alice circle rm market "$(cat pubkey-bob)" > /dev/null
on bob export | on relay import > /dev/null
updates() { on alice export | grep -c '"kind":1571'; }
before=$(updates)
on alice fetch "$url" --all --dry-run > /dev/null
by alice fetch "$url" --all --dry-run > /dev/null
check 'a trial changes nothing' "$before" "$(updates)"
SHOAL_KEY_FILE=none on alice fetch "$url" --all > /dev/null
check 'without a key it is fetched' $((before + 1)) "$(updates)"
by alice fetch "$url" --all > /dev/null
check 'with one it is mended, and said' 1 "$(grep -c 'fetch: 1 texts mended' error)"
check 'by one more' $((before + 2)) "$(updates)"
by alice sync "$url" --all > /dev/null
check 'once' 0 "$(grep -c 'texts mended' error)"
check 'not again' $((before + 2)) "$(updates)"
check 'the text is what counts' 'They swim.' "$(text alice "$note")"
check 'which others are told' $((before + 2)) "$(on relay export | grep -c '"kind":1571')"

check 'right all the while' right "$(on alice fsck | member catalog)"
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
