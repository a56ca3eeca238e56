#!/bin/bash
# Every command writes only when it is meant: all that take --dry-run are run with it, where they
# would do something, and all is as it was, here and on the relay. Those that do not take it are told
# here, and only look, or write to standard output.
#
#     tests/shoal_trial.sh SHOAL_BINARY
wallet_tests=$(realpath "$(dirname "$0")")
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

of() # person, argument...
{
    person=$1
    shift
    "$shoal" "$@" --home "home-$person" 2> error
}
id_of() { grep -o '"id":"[^"]*' | head -n 1 | cut -d '"' -f 4; }
is_one_of() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; }

# ---- all that there is to change ----

printf 'hunter2\n' > password
for person in alice bob carol dave; do
    run identity new --key "$person" --password-file password --cost 4 | member pubkey > "pubkey-$person"
    by "$person" dm relays "$url" > /dev/null
done
alice=$(cat pubkey-alice)
bob=$(cat pubkey-bob)
carol=$(cat pubkey-carol)
dave=$(cat pubkey-dave)
of bob remote add "$url" > /dev/null
by bob friend req "$alice" --relay "$url" > /dev/null || cat error
by bob dm send --to "$alice" hello --relay "$url" > /dev/null || cat error
club=$(by bob circle new club | id_of)
by bob circle add club "$alice" > /dev/null || cat error
for person in bob carol; do of "$person" export | of alice import > /dev/null; done
by bob post 'what alice lacks' > late
by bob dm send --to "$alice" again --relay "$url" > /dev/null || cat error
of bob push > /dev/null || cat error
by alice circle keys > /dev/null
by alice dm list > /dev/null # opens what was asked
by alice follow add "$carol" > /dev/null
by alice friend req "$dave" --relay "$url" > /dev/null
note=$(by alice new note title=Fish | id_of)
gone=$(by alice new note title=Gone | id_of)
by alice rm "$gone" > /dev/null
memory=$(by alice mem save fish | id_of)
by alice circle new family > /dev/null
by alice circle add family "$bob" > /dev/null
edited=$(by alice new note title=Edited | id_of)
undone=$(by alice new note title=Undone | id_of)
for text in "$edited" "$undone"; do by alice doc edit "$text" hello > /dev/null; done
by alice doc undo "$undone" > /dev/null
printf '\001\001\007\000\004\001\004text\002ab\000' > update
listed=$(by alice new note title=Listed | id_of)
for word in one two; do by alice list insert "$listed" todo $word > /dev/null; done
said=$(by alice new note title=Picnic --circle family | id_of)
by alice circle new market --open > /dev/null
post=$(by alice post hello | id_of)
of alice remote add "$url" > /dev/null
of alice provider add old http://127.0.0.1:1 --model m --no-key > /dev/null
by alice post queued > /dev/null
said_so=$(by alice checkpoint "$note" | member event)
block=$(by alice block new "$note" | id_of)
run event --key carol --password-file password --content new > signed
printf '[{"id":"1","operation":"create","entityType":"note","entityId":"a","payload":{"title":"One"},"hlcTimestamp":"018bcfe568000000","vectorClock":{"x":1}}]' > list
run identity export --nsec --key carol --password-file password > nsec
printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_content","arguments":{"text":"hi"}}}\n' > asked
{
    printf '\000OpenTimestamps\000\000Proof\000\277\211\342\350\204\350\222\224\001\010'
    # shellcheck disable=SC2001,SC2059
    printf "$(sed 's/../\\x&/g' <<< "$block")\360\020"
    printf '0123456789abcdef'
} > stamp.ots

# What each is run with, and what is said to it.
declare -A arguments=(
    [identity new]="--key fresh" [identity import]="--from nsec --key fresh"
    [identity connect]="--relay $url --key fresh"
    [new]="note title=x" [set]="$note title=x" [rm]="$note" [restore]="$gone"
    [post]="hello" [reply]="$post hello" [react]="$post +" [repost]="$post"
    [follow add]="$dave" [follow rm]="$carol"
    [friend req]="$carol --relay $url" [friend accept]="$bob --relay $url" [friend rm]="$dave --relay $url"
    [profile set]="name=Ann" [dm send]="--to $carol hello --relay $url" [dm relays]="ws://127.0.0.1:2"
    [dm fetch]="$url"
    [mem save]="x" [mem consolidate]="$memory --into y" [link]="$note $memory" [unit save]="x"
    [list insert]="$note todo x" [list move]="$listed todo 1 2" [list rm]="$listed todo 1"
    [doc undo]="$edited" [doc redo]="$undone" [doc apply]="$note update"
    [doc edit]="$note text" [circle new]="other" [circle add]="family $carol" [circle rm]="family $bob"
    [circle role]="family $bob admin" [circle leave]="$club" [circle policy]="family 2" [circle void]="family $said"
    [circle keys]="family --rotate" [circle say]="family hello"
    [remote add]="ws://127.0.0.1:2" [remote rm]="$url" [remote publish]="wss://relay.example"
    [fetch]="$url --all" [push]="" [sync]="$url --all"
    [sync push]="list" [queue retry]="" [queue drop]="" [import]="signed" [fsck]="--rebuild"
    [checkpoint]="$note" [checkpoint sign]="$said_so" [block new]="" [block anchor]="$block stamp.ots"
    [provider add]="new http://127.0.0.1:1 --model m=1/2" [provider rm]="old"
    [event]="--content x --to $url" [publish]="$url" [mcp]="--allow-write"
)
declare -A input=([publish]=signed [mcp]=asked)
signs="new set rm restore post reply react repost follow friend profile dm mem link unit list doc circle checkpoint block event mcp identity"
looks='agent start|agent status|agent lock|agent unlock|agent stop|identity show|identity export|show|log|diff|blame|find|feed|thread|follow list|friend list|profile show|dm list|dm read|mem recall|unit lineage|list show|doc show|doc export|doc history|doc diff|doc blame|circle list|circle show|circle read|remote list|sync pull|queue|export|status|doctor|checkpoint show|checkpoint verify|block list|block show|block prove|block verify|verify|req|count|neg|encode|decode|did|cid|models|swarm|serve|provider list|proxy usage|proxy|completion|manual'
# Those that want a mint are tried where there is one.
elsewhere='wallet mint|wallet grant|wallet buy|wallet pay|wallet send|wallet receive|wallet restore|wallet sync|infer|audit'
looks="wallet balance|wallet history|$looks"

# ---- and nothing changes it ----

snapshot()
{
    for person in alice relay; do of "$person" export; done
    of alice fsck
    of alice queue
    of alice remote list
    of alice provider list
    of alice friend list --requests --as "$alice"
    of alice circle list
    ls
}
try() # command
{
    local words
    # shellcheck disable=SC2086
    set -- "$1" $1 ${arguments[$1]} --dry-run
    words=("${@:2}")
    [[ $("$shoal" $1 --help) == *"  --home "* ]] && words+=(--home home-alice)
    if is_one_of "$2" "$signs" || [[ $1 == "sync push" || $1 == "remote publish" ]]; then
        words+=(--password-file password)
        [[ " ${words[*]} " == *" --key "* ]] || words+=(--key alice)
    fi
    "$shoal" "${words[@]}" > output 2> error < "${input[$1]:-/dev/null}"
}

mapfile -t commands < <("$shoal" --help | sed -nE 's/^  shoal ([a-z-]+( [a-z-]+)?)  .*/\1/p')
check 'commands' 1 $((${#commands[@]} >= 90))
touch output error before after got-fetch got-sync got-dm-fetch
snapshot > before
tried=0
for command in "${commands[@]}"; do
    if [[ "|$elsewhere|" == *"|$command|"* ]]; then
        check "$command: tried" 1 "$(cat "$wallet_tests"/shoal_{wallet,infer,audit}.sh | grep -cm 1 -- "${command#wallet } .*--dry-run")"
        continue
    fi
    # shellcheck disable=SC2086
    if ! "$shoal" $command --help | grep -q '^  --dry-run '; then
        case "|$looks|" in *"|$command|"*) kind=looks ;; *) kind="writes, without --dry-run" ;; esac
        check "$command" looks "$kind"
        continue
    fi
    check "$command: what it is tried with" known "${arguments[$command]+known}"
    try "$command"
    status=$?
    case $command in fetch | sync | "dm fetch") cp output "got-${command/ /-}" ;; esac
    check "$command --dry-run: $(cat error)" 0 "$status"
    snapshot > after
    check "$command --dry-run: nothing is changed" '' "$(diff before after | head -n 5)"
    tried=$((tried + 1))
done
check 'there was something to get' '' "$(grep -L '"to_fetch":[1-9]' got-*)"
check 'all that is here was tried' "${#arguments[@]}" "$tried"
check 'what is meant is seen' 1 "$(of alice queue drop > /dev/null; snapshot | diff -q before - | wc -l)"
echo "$checks checks, $tried commands, $failures failures"
[ "$failures" = 0 ]
