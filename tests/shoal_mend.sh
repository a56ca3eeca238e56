#!/bin/sh
# Somebody writes in a text who was removed meanwhile: nothing of that counts, and programs that apply
# all that they hear are told, once, by whoever may write.
#
#     tests/shoal_mend.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

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
check 'right all the while' right "$(on alice fsck | member catalog)"
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
