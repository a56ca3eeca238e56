#!/bin/sh
# The client's commands that want no relay, as a user types them.
#
#     tests/shoal.sh SHOAL_BINARY
set -u
shoal=$(realpath "$1")
home=$(mktemp -d) || exit 1
trap 'rm -rf "$home"' EXIT
cd "$home" || exit 1
export HOME="$home"
unset XDG_CONFIG_HOME SHOAL_KEY_FILE
checks=0
failures=0

check() # what, wanted, got
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] && return
    failures=$((failures + 1))
    printf '%s:\n  wanted %s\n  got    %s\n' "$1" "$2" "$3"
}

run() { "$shoal" "$@" 2> error; }

status_of() # wanted status, argument...
{
    wanted=$1
    shift
    "$shoal" "$@" > output 2> error < /dev/null
    check "status of $*" "$wanted" $?
}

member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

key=f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9
npub=npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266
did=did:key:zQ3sheBXCeZNNKcYTSbn3U6mTZD228vEFA753n76azCDQq16g
id=0e5c2ef41a60c09c30d4656cbcf4435f1f4f37199bf10ac886cec99dfab3c581
words='leader monkey parrot ring guide accident before fence cannon height naive bean'
printf 'hunter2\n' > password
printf 'hunter3\n' > wrong

# An identity is made once, for its owner's eyes.
made=$(run identity new --password-file password --cost 4)
check 'a new key' 0 $?
check 'mode of the file' 600 "$(stat -c %a .config/shoal/key)"
check 'mode of its folder' 700 "$(stat -c %a .config/shoal)"
check 'it is sealed' ncryptsec1 "$(cut -c 1-10 .config/shoal/key)"
check 'shown again' "$made" "$(run identity show --password-file password)"
status_of 5 identity new --password-file password --cost 4
check 'not replaced' "$made" "$(run identity show --password-file password)"
status_of 5 identity show --password-file wrong
check 'why' 'shoal identity show: the password is wrong, or the word was altered' "$(cat error)"
status_of 1 identity show --password-file nowhere
chmod 644 .config/shoal/key
status_of 5 identity show --password-file password
chmod 600 .config/shoal/key
check 'exported sealed' "$(cat .config/shoal/key)" "$(run identity export)"

# Export and import give back the same key, from each form.
run identity export --nsec --password-file password > nsec
for from in nsec .config/shoal/key; do
    again=$(run identity import --from "$from" --old-password-file password \
        --password-file password --cost 4 --key copy --replace)
    check "imported from $from" "$(echo "$made" | member npub)" "$(echo "$again" | member npub)"
done
again=$({ cat nsec; echo hunter2; } | run identity import --from - --password-file - --cost 4 --key other)
check 'imported from a pipe' "$(echo "$made" | member npub)" "$(echo "$again" | member npub)"
echo "$words" > words
got=$(run identity import --from words --password-file password --cost 4 --key of_words | member npub)
check 'words of NIP-06' npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu "$got"
echo 'leader monkey' > few
status_of 1 identity import --from few --password-file password --key nothing
status_of 5 identity show --key nothing --password-file password

# Events are signed, and what is altered is found.
event=$(run event --content 'hello "there"' --tag t=fish --tag '["e","x","","root"]' --kind 42 \
    --created-at 1700000000 --password-file password)
check 'signed' 0 $?
check 'its author' "$(echo "$made" | member pubkey)" "$(echo "$event" | member pubkey)"
check 'its tags' '[["t","fish"],["e","x","","root"]]' \
    "$(echo "$event" | sed 's/.*"tags":\(.*\),"content".*/\1/')"
echo "$event" | run verify > verified
check 'verified' 0 $?
check 'said so' "{\"id\":\"$(echo "$event" | member id)\",\"valid\":true}" "$(cat verified)"
{ echo "$event"; echo "$event" | sed s/fish/bird/; echo nonsense; } | run verify > verified
check 'altered' 1 $?
check 'each line' 3 "$(wc -l < verified)"
check 'why' 'the id is not the hash of the event' "$(sed -n 2p verified | member reason)"
check 'content from a pipe' piped "$(echo piped | run event --content - --password-file password |
    member content)"
status_of 1 event --tag nothing --password-file password
status_of 2 event --kind 65536 --password-file password

# Names.
check npub "\"$npub\"" "$(run encode npub "$did")"
check note "$id" "$(run decode "$(run encode note "$id" | tr -d '"')" | member id)"
naddr=$(run encode naddr $npub --kind 30023 --identifier d --relay wss://a --relay wss://b | tr -d '"')
check naddr "{\"type\":\"naddr\",\"pubkey\":\"$key\",\"kind\":30023,\"identifier\":\"d\",\"relays\":[\"wss://a\",\"wss://b\"]}" \
    "$(run decode "$naddr")"
check did "{\"pubkey\":\"$key\",\"did:nostr\":\"did:nostr:$key\",\"did:key\":\"$did\"}" "$(run did $npub)"
check cid bafkreiaolqxpigtaycodbvdfns6piq27d5htogm36efmrbwozgo7vm6fqe "$(run cid $id | member cid)"
check 'cid back' $id "$(run cid bafkreiaolqxpigtaycodbvdfns6piq27d5htogm36efmrbwozgo7vm6fqe | member id)"
check 'lines of a pipe' "$key $key" "$(printf '%s\n\n%s \r\n' "$npub" "$did" | run did - | member pubkey | paste -sd ' ')"
check 'and words beside' 2 "$(echo "$id" | run cid "$id" - | grep -c "$id")"
printf '%s\n' "$npub" nothing "$naddr" | run decode - > output
check 'one of them is none' '1 2' "$? $(wc -l < output)"
run decode - < nsec > output
check 'a secret is none' '1 0' "$? $(cat output error | grep -c nsec1)"
status_of 1 decode "$(cat nsec)"
check 'a secret is not repeated' 0 "$(grep -c "$(cat nsec)" error)"
for command in "identity new" "identity import" verify ''; do
    # shellcheck disable=SC2086
    status_of 2 $command "$(cat nsec)"
    check "nor is it with $command" 0 "$(grep -c nsec1 error)"
done
status_of 1 decode npub1
status_of 1 encode npub nobody

# Relays that are not there, or are none.
status_of 1 req ws://127.0.0.1:1 '{"kinds":[1]}'
check 'why not' 'shoal req: ws://127.0.0.1:1: it cannot be reached' "$(cat error)"
status_of 1 count ws://nowhere.invalid '{}'
status_of 1 req ws://relay.onion '{}'
status_of 2 req https://127.0.0.1 '{}'
status_of 2 req ws://127.0.0.1:1 '{"kinds":1}'
status_of 2 req ws://127.0.0.1:1
status_of 2 req --timeout x ws://127.0.0.1:1 '{}'
status_of 1 req --proxy :1 ws://127.0.0.1:1 '{}'
status_of 0 publish ws://127.0.0.1:1
echo "$event" | run publish ws://127.0.0.1:1 > /dev/null
check 'not published' 1 $?
echo "$event" | sed s/fish/bird/ | run publish ws://127.0.0.1:1
check 'nor what is altered' 'shoal publish: line 1: the id or the signature is wrong' "$(cat error)"

# Nothing is sent, or kept, where only a trial was meant.
check 'would be published' "{\"id\":\"$(echo "$event" | member id)\",\"relay\":\"ws://127.0.0.1:1\",\"dry_run\":true}" \
    "$(echo "$event" | run publish --dry-run ws://127.0.0.1:1)"
status_of 2 publish --dry-run ws://127.0.0.1:1 http://127.0.0.1
status_of 0 event --to ws://127.0.0.1:1 --dry-run --password-file password
check 'signed, and not sent' 'shoal event: ws://127.0.0.1:1: it would be sent' "$(cat error)"
status_of 5 identity import --from nsec --dry-run
check 'whose it would be' "$(echo "$made" | member npub)" \
    "$(run identity import --from nsec --key trial --dry-run < /dev/null | member npub)"
status_of 0 identity new --key trial --dry-run
status_of 0 identity import "bunker://$key?relay=ws://127.0.0.1:1" --key trial --dry-run
check 'where a bunker would be' "{\"file\":\"trial\",\"dry_run\":true}" "$(cat output)"
check 'none is kept' no "$([ -e trial ] && echo yes || echo no)"

status_of 1 neg ws://127.0.0.1:1 '{}'
status_of 2 neg ws://127.0.0.1:1 '{"limit":1}'
export SHOAL_HOME="$home/synced"
status_of 2 remote add http://127.0.0.1
status_of 0 remote add ws://127.0.0.1:1 --dry-run
check 'not added' '' "$(run remote list)"
status_of 0 remote add ws://127.0.0.1:1
check 'added' '{"url":"ws://127.0.0.1:1"}' "$(run remote list)"
status_of 2 fetch
check 'nothing to go by' \
    'shoal fetch: nothing is here yet: say what, by --author, --entity, --filter or --all' \
    "$(head -n 1 error)"
status_of 1 fetch --author $npub
status_of 1 sync
status_of 1 push
status_of 2 sync --filter '{"limit":1}'
status_of 2 sync --entity zz
status_of 0 remote rm ws://127.0.0.1:1 --dry-run
status_of 0 remote rm ws://127.0.0.1:1
status_of 1 remote rm ws://127.0.0.1:1
status_of 2 push
unset SHOAL_HOME

# The command line itself.
status_of 0 --help
status_of 0 --version
status_of 2
status_of 2 fly
check 'said what' "shoal: no command 'fly'" "$(head -n 1 error)"
status_of 2 encode npub
status_of 2 encode word $npub
status_of 2 encode naddr $npub
status_of 2 encode naddr $npub --kind x
status_of 2 identity import --account -1
status_of 2 decode --fly x
status_of 2 encode --relay
status_of 2 decode --json=yes x
status_of 2 verify x
for command in 'identity new' 'identity import' 'identity show' 'identity export' \
    'identity connect' 'agent start' 'agent stop' 'agent status' 'agent lock' 'agent unlock' event verify \
    encode decode did cid req count publish neg \
    'remote add' 'remote rm' 'remote list' fetch push sync; do
    status_of 0 $command --help
    check "help of $command" "usage: shoal $command" \
        "$(sed -n 3p output | cut -c "1-$((13 + ${#command}))")"
done
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
