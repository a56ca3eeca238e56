#!/bin/bash
# A conversation in a circle: said without a network, read by all members alike, by no relay; what a
# removed member says unseen, what is voided and what is taken back is not there for anybody.
#
#     tests/shoal_talk.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

sync() # person...
{
    for one; do
        "$shoal" sync --home "home-$one" --all --timeout 100 > synced 2> error
        case $? in 0 | 3) ;; *) cat error; exit 1 ;; esac # 3: what was taken back is refused
        by "$one" circle keys > /dev/null
    done
}
said() # person: what is read there
{
    "$shoal" circle read family --home "home-$1" "${@:2}" | sed -n 's/.*"text":"\([^"]*\)".*/\1/p' | paste -sd ','
}

printf 'hunter2\n' > password
for person in alice bob carol; do
    run identity new --password-file password --cost 4 --key "$person" | member pubkey > "pubkey-$person"
    run remote add "$url" --home "home-$person" > /dev/null
done

by alice circle new family > /dev/null
by alice circle add family "$(cat pubkey-bob)" > /dev/null || cat error
by alice circle add family "$(cat pubkey-carol)" > /dev/null || cat error
check 'nothing was said' '' "$(said alice)"
check 'queued' 1 "$(by alice circle say family hello all | member queued)"
check 'read' 'hello all' "$(said alice)"
sync alice bob carol
check 'by another' 'hello all' "$(said bob)"
check 'no relay reads it' 0 "$("$shoal" export --home home-relay | grep -c 'hello')"
check 'nor is it told as it is' 0 "$("$shoal" export --home home-bob | grep -c 'hello')"
check 'it is found' conversation "$("$shoal" find hello --home home-bob | member type)"

# Without a network, each on his own.
printf 'of bob\nin two lines\n' | by bob circle say family - > /dev/null || cat error
by carol circle say family 'of carol' > /dev/null
by bob circle say family 'bob again' > /dev/null
sync bob carol alice bob carol
check 'all of it' 4 "$("$shoal" circle read family --home home-alice | wc -l)"
check 'alike' "$(said alice)" "$(said bob)"
check 'for all' "$(said alice)" "$(said carol)"
check 'the last' 1 "$("$shoal" circle read family --limit 1 --home home-bob | wc -l)"

# Taken back, and voided.
id=$("$shoal" circle read family --home home-bob | grep 'bob again' | member id)
by bob rm "$id" > /dev/null || cat error
sync bob alice carol
check 'taken back' 0 "$(said alice | grep -c 'bob again')"
id=$("$shoal" circle read family --home home-alice | grep 'of carol' | member id)
by alice circle void family "$id" > /dev/null || cat error
check 'voided' 0 "$(said alice | grep -c 'of carol')"

# Somebody is removed, and says more.
by carol circle say family 'seen before' > /dev/null
sync carol alice
by alice circle rm family "$(cat pubkey-carol)" > /dev/null || cat error
by carol circle say family 'unseen' > /dev/null # she does not know yet
by alice circle say family 'without her' > /dev/null
sync alice carol bob alice carol
check 'what was seen stays' 1 "$(said bob | grep -c 'seen before')"
check 'what was not is void' 0 "$(said bob | grep -c unseen)"
check 'for those who stay alike' "$(said alice)" "$(said bob)"
check 'she reads nothing new' 0 "$("$shoal" export --home home-carol | grep -c 'without her')"
check 'nor there' 0 "$(said carol | grep -c 'without her')"
by carol circle say family 'once more' > output
check 'and may say nothing' 5 $?
by alice circle say nobody hello > output
check 'no such circle' 1 $?
by alice new conversation > output
check 'made by' 'shoal new: a conversation is made by shoal circle say' "$(cat error)"
check 'the store is right' 1 "$("$shoal" fsck --home home-bob | grep -c '"bad":0,"catalog":"right"')"

printf '%d checks, %d failures' "$checks" "$failures"
[ "$failures" -eq 0 ]
