#!/bin/sh
# People and words, as a user meets them, without any relay: notes and answers, whom one follows and
# who follows back, profiles; and other clients that write over them.
#
#     tests/shoal_people.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

as() # person, argument...
{
    person=$1
    shift
    write "$@" --key "$person" --home "home-$person"
}

# All that is here goes there.
carry() { run export --home "home-$1" | run import --home "home-$2" > /dev/null; }
tags() { run show "$1" --home "home-$2" | sed 's/.*"tags":\(.*\),"content".*/\1/'; }

printf 'hunter2\n' > password
for person in alice bob carol dave erin; do
    run identity new --password-file password --cost 4 --key "$person" > "made-$person"
    eval "$person=$(member pubkey < "made-$person")"
    eval "npub_$person=$(member npub < "made-$person")"
done
# shellcheck disable=SC2154
{
    # Notes, and what they name.
    note=$(as alice post "Hello #Fish and nostr:$npub_bob," again | member id)
    check 'a note' "Hello #Fish and nostr:$npub_bob, again" \
        "$(run show "$note" --home home-alice | sed 's/.*"content":"\([^"]*\)".*/\1/')"
    check 'its tags' "[[\"t\",\"fish\"],[\"p\",\"$bob\"]]" "$(tags "$note" alice)"
    run identity export --nsec --password-file password --key bob > nsec
    status_of 5 post "$(cat nsec)" --key alice --home home-alice --password-file password
    check 'why' 'shoal post: a secret key is in it: nothing was written' "$(cat error)"
    status_of 1 post '' --key alice --home home-alice --password-file password
    check 'from standard input' 'two\nlines' "$(printf 'two\nlines\n' | write post - --key bob --home home-other |
        member id | xargs "$shoal" show --home home-other | member content)"
    check 'queued' 2 "$(as alice post x --dry-run --relay wss://a.example --relay wss://b.example |
        member queued)"
    check 'a dry run writes nothing' 1 "$(run export --home home-alice | wc -l)"

    # Answers.
    carry alice bob
    first=$(as bob reply "$note" one | member id)
    check 'an answer' "[[\"e\",\"$note\",\"\",\"root\",\"$alice\"],[\"p\",\"$alice\"],[\"p\",\"$bob\"]]" \
        "$(tags "$first" bob)"
    carry bob alice
    second=$(as alice reply "$(echo "$first" | cut -c 1-8)" two | member id)
    check 'an answer to it' \
        "[[\"e\",\"$note\",\"\",\"root\"],[\"e\",\"$first\",\"\",\"reply\",\"$bob\"],[\"p\",\"$bob\"],[\"p\",\"$alice\"]]" \
        "$(tags "$second" alice)"
    run event --kind 30023 --tag d=fish --content 'On fish' --password-file password --key alice |
        run import --home home-alice > /dev/null
    article=$(run export --home home-alice '{"kinds":[30023]}' | member id)
    comment=$(as alice reply "$article" good | member id)
    check 'a comment' "[[\"A\",\"30023:$alice:fish\"],[\"E\",\"$article\",\"\",\"$alice\"],[\"K\",\"30023\"],[\"P\",\"$alice\"],[\"a\",\"30023:$alice:fish\"],[\"e\",\"$article\",\"\",\"$alice\"],[\"k\",\"30023\"],[\"p\",\"$alice\"]]" \
        "$(tags "$comment" alice)"
    check 'its kind' 1111 "$(run show "$comment" --home home-alice | member kind)"
    deeper=$(as alice reply "$comment" very | member id)
    check 'a comment on it' \
        "[[\"A\",\"30023:$alice:fish\"],[\"E\",\"$article\",\"\",\"$alice\"],[\"K\",\"30023\"],[\"P\",\"$alice\"],[\"e\",\"$comment\",\"\",\"$alice\"],[\"k\",\"1111\"],[\"p\",\"$alice\"]]" \
        "$(tags "$deeper" alice)"
    status_of 1 reply 00000000 x --key alice --home home-alice --password-file password

    # Reactions.
    like=$(as bob react "$note" | member id)
    check 'a like' "[[\"e\",\"$note\",\"\",\"$alice\"],[\"p\",\"$alice\"],[\"k\",\"1\"]]" "$(tags "$like" bob)"
    check 'what it says' + "$(run show "$like" --home home-bob | member content)"
    check 'another' '🐟' "$(run show "$(as bob react "$note" 🐟 | member id)" --home home-bob | member content)"
    as bob react "$note" - > /dev/null
    carry bob alice

    # Passed on: a note whole, to be read by those who never saw it; of anything else the kind.
    whole=$(run export --home home-other)
    other=$(echo "$whole" | member id)
    passed=$(write repost "$other" --key alice --home home-other | member id)
    check 'a repost' 6 "$(run show "$passed" --home home-other | member kind)"
    check 'of what' "[[\"e\",\"$other\",\"\"],[\"p\",\"$bob\"]]" "$(tags "$passed" other)"
    check 'whole' 1 "$(run export --home home-other | grep -cF "\"$(echo "$whole" | sed 's/[\\"]/\\&/g')\"")"
    passed=$(as alice repost "$article" | member id)
    check 'of an article' \
        "16 [[\"e\",\"$article\",\"\"],[\"a\",\"30023:$alice:fish\"],[\"p\",\"$alice\"],[\"k\",\"30023\"]]" \
        "$(run show "$passed" --home home-alice | member kind) $(tags "$passed" alice)"
    status_of 1 repost 00000000 --key bob --home home-bob --password-file password

    # Whom one follows; what others see of it.
    check 'followed' '{"following":2,"added":2,"removed":0,"queued":0}' \
        "$(as alice follow add "$npub_bob" "did:nostr:$carol" | sed 's/"id":"[^"]*",//')"
    check 'the list' 'false false' "$(run follow list --home home-alice | member friend | paste -sd ' ')"
    check 'for others' 2 "$(run export --home home-alice '{"kinds":[3]}' | grep -o '"p"' | wc -l)"
    as alice follow add "$npub_bob" > /dev/null
    check 'followed once' 2 "$(run follow list --home home-alice | wc -l)"
    status_of 1 follow add nobody --key alice --home home-alice --password-file password
    check 'no friend yet' '' "$(run friend list --home home-alice)"
    as bob follow add "$alice" > /dev/null
    carry bob alice
    check 'a friend' "$bob" "$(run friend list --home home-alice | member pubkey)"

    # The feed: those followed, the newest first; answers under what they answer.
    check 'alone' "$note" "$(run feed --home home-alice | member id)"
    check 'with answers' "$note $first $second " "$(run feed --home home-alice --replies | member id | tr '\n' ' ')"
    check 'the same' "$(run feed --home home-alice --replies)" "$(run thread "$second" --home home-alice)"
    check 'of one person' '' "$(run feed --home home-alice --author "$bob")"
    check 'with other eyes' "$note" "$(run feed --home home-bob --as "$npub_bob" | member id)"
    check 'not a word' '' "$(run feed --home home-alice --limit 0)"
    run event --content "$(printf 'bad \033[2J\302\233words\342\200\256')" --password-file password --key bob |
        run import --home home-alice > /dev/null
    if command -v script > /dev/null; then # on a terminal
        script -qec "$shoal feed --home home-alice --replies" /dev/null < /dev/null > seen
        check 'no terminal obeys it' 0 "$(tr -d '\r' < seen | LC_ALL=C grep -cP '\x1b|\xc2\x9b|\xe2\x80\xae')"
        check 'in words' 1 "$(grep -c 'bad  \[2J words' seen)"
        check 'liked once by each' 1 "$(grep -c '1 likes it' seen)"
        check 'an answer stands in' 1 "$(grep -c '^            two' seen)"
    fi

    # Another client adds one, drops one, and says more of a third: all of that counts.
    now=$(date +%s)
    foreign() # seconds ahead, argument...
    {
        at=$1
        shift
        run event --kind "$kind" --created-at $((now + at)) "$@" --password-file password --key alice |
            run import --home home-alice > /dev/null
    }
    kind=3
    foreign 20 --tag "[\"p\",\"$bob\",\"wss://b.example\",\"bobby\"]" --tag "p=$dave" --tag t=fish --content kept
    check 'seen at once' "$(printf '%s\n' "$bob" "$dave" | sort)" \
        "$(run follow list --home home-alice | member pubkey | sort)"
    check 'taken over' '{"following":3,"added":2,"removed":1,"queued":0}' \
        "$(as alice follow add "$erin" | sed 's/"id":"[^"]*",//')"
    run export --home home-alice '{"kinds":[3]}' | head -n 1 > newest
    check 'what it said stays' 1 "$(grep -c "\[\"p\",\"$bob\",\"wss://b.example\",\"bobby\"\].*\[\"t\",\"fish\"\].*\"content\":\"kept\"" newest)"
    check 'with the rest' 3 "$(grep -o '"p"' newest | wc -l)"
    check 'nothing more to take over' '{"following":3,"added":0,"removed":0,"queued":0}' \
        "$(as alice follow add | sed 's/"id":"[^"]*",//')"

    # One that comes late, from between two of ours, and was replaced meanwhile: it counts, too.
    as alice follow add "$carol" > /dev/null
    foreign 22 --tag "p=$bob" --tag "p=$dave" --tag "p=$erin" --tag "p=$alice"
    check 'late, and yet' 5 "$(run follow list --home home-alice | wc -l)"

    # One that lost nearly all is not believed.
    foreign 60 --tag "p=$bob"
    check 'kept' 5 "$(run follow list --home home-alice | wc -l)"
    as alice follow add > /dev/null
    check 'and told' 1 "$(grep -c 'another client dropped . of those you follow: they stay' error)"
    check 'kept for good' 5 "$(run follow list --home home-alice | wc -l)"
    as alice follow rm "$dave" "$erin" > /dev/null
    check 'dropped' 3 "$(run follow list --home home-alice | wc -l)"

    # A second device began a list of its own before they met: both count, and either drops.
    as2() { write "$@" --key alice --home home-second; }
    as2 follow add "$dave" "$erin" > /dev/null
    carry second alice
    check 'both' 5 "$(run follow list --home home-alice | wc -l)"
    as alice follow rm "$dave" > /dev/null
    carry alice second
    carry second alice
    check 'the same on both' "$(run follow list --home home-alice)" "$(run follow list --home home-second)"
    check 'dropped on both' 0 "$(run follow list --home home-second | grep -c "$dave")"

    # A set of people: a list of its own, which others see and write, too.
    as alice follow add "$bob" "$carol" --set pond > /dev/null
    set_of() { run export --home home-alice '{"kinds":[30000]}' | head -n 1 | sed 's/.*"tags":\(.*\),"sig.*/\1/'; }
    in_set() { run follow list --home home-alice --set "$1" | member pubkey | sort; }
    pair=$(printf '["p","%s"]\n' "$bob" "$carol" | sort | paste -sd ,)
    check 'a set' "[[\"d\",\"pond\"],[\"title\",\"pond\"],$pair],\"content\":\"\"" "$(set_of)"
    check 'who is in it' "$(printf '%s\n' "$bob" "$carol" | sort)" "$(in_set pond)"
    check 'apart from who is followed' 4 "$(run follow list --home home-alice | wc -l)"
    as alice follow add "$erin" --set reef > /dev/null
    check 'another' "$erin" "$(in_set reef)"
    check 'of no set' '' "$(in_set sea)"
    kind=30000
    now=$(date +%s)
    foreign 20 --tag d=pond --tag title=Pond --tag "p=$bob" --tag "p=$dave" --content private
    foreign 30 --tag d=reef --tag "p=$erin" --tag "p=$alice"
    check 'seen at once' "$(printf '%s\n' "$bob" "$dave" | sort)" "$(in_set pond)"
    check 'taken over' '{"following":3,"added":2,"removed":1,"queued":0}' \
        "$(as alice follow add "$erin" --set pond | sed 's/"id":"[^"]*",//')"
    run export --home home-alice '{"kinds":[30000],"#d":["pond"]}' | head -n 1 > newest
    check 'what it said stays' 1 "$(grep -c '\["d","pond"\],\["title","Pond"\],.*"content":"private"' newest)"
    check 'with the rest' 3 "$(grep -o '"p"' newest | wc -l)"
    check 'the other alone' "$(printf '%s\n' "$alice" "$erin" | sort)" "$(in_set reef)"
    check 'still apart' 4 "$(run follow list --home home-alice | wc -l)"
    carry alice second
    as2 follow rm "$bob" --set pond > /dev/null
    carry second alice
    check 'from another device' "$(printf '%s\n' "$dave" "$erin" | sort)" "$(in_set pond)"
    as alice follow add "$bob" "$carol" --set pond > /dev/null
    foreign 60 --tag d=pond --tag "p=$bob"
    as alice follow add --set pond > /dev/null
    check 'shrunk' 1 "$(grep -c 'another client dropped 3 of those in the set: they stay' error)"
    check 'kept' 4 "$(in_set pond | wc -l)"
    as alice follow add --set lost --dry-run "$bob" > /dev/null
    check 'a dry run writes nothing' '' "$(in_set lost)"
    carry alice bob
    check 'of somebody else' 4 "$(run follow list "$alice" --set pond --home home-bob | wc -l)"
    check 'their words' "$note" "$(run feed --set reef --home home-alice | member id)"
    status_of 1 feed --set sea --home home-alice
    status_of 1 follow add "$bob" --set '' --key alice --home home-alice --password-file password
    status_of 1 follow list --home home-alice --set "$(printf '%0201d' 0)"

    # A profile, and what another client made of it.
    kind=0
    profile() { run profile show --home home-alice | sed 's/.*"profile":\(.*\)}$/\1/'; }
    as alice profile set name=Alice about=fish 'bot:=false' > /dev/null
    now=$(date +%s)
    check 'a profile' '{"about":"fish","bot":false,"name":"Alice"}' "$(profile)"
    check 'for others' '{\"about\":\"fish\",\"bot\":false,\"name\":\"Alice\"}' \
        "$(run export --home home-alice '{"kinds":[0]}' | sed 's/.*"content":"\(.*\)","sig.*/\1/')"
    foreign 100 --content '{"name":"Alicia","about":"fish","website":"https://fish.example"}'
    check 'seen' '{"about":"fish","name":"Alicia","website":"https://fish.example"}' "$(profile)"
    as alice profile set about=sharks --unset website > /dev/null
    check 'merged' '{"about":"sharks","name":"Alicia"}' "$(profile)"
    foreign 200 --content '{"name":"Alicia","about":"sharks","website":"w"}'
    foreign 210 --content 'no profile'
    check 'what is none says nothing' '{"about":"sharks","name":"Alicia","website":"w"}' "$(profile)"
    as alice profile set > /dev/null
    carry alice bob
    check 'named' Alicia "$(run follow list --home home-bob | member name)"
    status_of 1 profile set _x=y --key alice --home home-alice --password-file password
    status_of 1 profile show "$npub_erin" --home home-alice

    # Where one is found, and what another client made of that.
    status_of 1 remote publish --key alice --home home-alice --password-file password
    check 'why' 'shoal remote publish: no relay to name: shoal remote add' "$(cat error)"
    for url in wss://a.example ws://127.0.0.1:1 ws://localhost wss://b.example/; do
        run remote add "$url" --home home-alice
    done
    kind=10002
    relays() { run export --home home-alice '{"kinds":[10002]}' | head -n 1 | sed 's/.*"tags":\(.*\),"sig.*/\1/'; }
    as alice remote publish --dry-run > /dev/null
    check 'a dry run writes nothing' '' "$(relays)"
    as alice remote publish > /dev/null
    now=$(date +%s)
    check 'relays' '[["r","wss://a.example"],["r","wss://b.example"]],"content":""' "$(relays)"
    foreign 20 --tag '["r","wss://B.example:443","read"]' --tag r=wss://c.example/ --tag t=fish --tag r=none --content kept
    as alice remote publish > /dev/null
    check 'what others changed' \
        '[["r","wss://b.example","read"],["r","wss://c.example"],["r","none"]],"content":"kept"' \
        "$(relays | sed 's/\["t","fish"\],//')"
    run remote rm wss://b.example/ --home home-alice
    as alice remote publish > /dev/null
    check 'what was dropped stays so' 2 "$(relays | grep -o '"r","wss' | wc -l)"
    as alice remote publish wss://A.example/ ws://127.0.0.1:1 --unset wss://c.example > /dev/null
    check 'until it is named' '["r","ws://127.0.0.1:1"],["r","wss://a.example"],["r","wss://b.example","read"]' \
        "$(relays | sed 's/^.\(.*\),\["t.*/\1/')"
    as alice remote publish > /dev/null
    check 'and stays so' 3 "$(relays | grep -o '"r","ws' | wc -l)"
    foreign 40 --tag '["r","wss://d.example","read"]' --tag '["r","wss://d.example","write"]'
    as alice remote publish > /dev/null
    check 'all at once' '[["r","wss://d.example"]],"content":""' "$(relays)"
    carry alice second
    as2 remote publish wss://e.example > /dev/null
    carry second alice
    check 'from another device' '[["r","wss://d.example"],["r","wss://e.example"]],"content":""' "$(relays)"
    as alice remote publish --unset wss://d.example --unset wss://e.example > /dev/null
    check 'none' '[],"content":""' "$(relays)"
    status_of 1 remote publish http://a.example --key alice --home home-alice --password-file password
    status_of 1 remote publish --unset a --key alice --home home-alice --password-file password
    status_of 1 remote publish "wss://a.example/$(printf '%0300d' 0)" --key alice --home home-alice --password-file password
    check 'right all the while' right "$(run fsck --home home-alice | member catalog)"
}
for command in post reply react repost feed thread 'follow add' 'follow rm' 'follow list' 'friend list' \
    'profile show' 'profile set' 'remote publish'; do
    # shellcheck disable=SC2086
    status_of 0 $command --help
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
