#!/bin/bash
# A circle of four people who do at random what they may and may not do, and hand each other parts
# of what they know, in any order. What each comes to step by step is what it would come to at once,
# and in the end all come to the same.
#
#     tests/shoal_circle_random.sh SHOAL_BINARY [SEED [STEPS]]
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
seed=${2:-$$}
steps=${3:-40}
RANDOM=$seed
people=(alice bob carol dave)
declare -A keys
notes=()
events=()

printf 'hunter2\n' > password
by() # person, argument...
{
    local person=$1
    shift
    "$shoal" "$@" --home "home-$person" --key "$person" --password-file password 2> error
}
one_of() { shift $((RANDOM % $#)); printf '%s' "$1"; }
check_home() # person
{
    check "$1: step by step as at once" right "$(run fsck --home "home-$1" | member catalog)"
}

for person in "${people[@]}"; do
    run identity new --key "$person" --password-file password --cost 4 > made
    keys[$person]=$(run identity show --key "$person" --password-file password | member pubkey)
done
by alice circle new family --open > /dev/null
for person in bob carol dave; do
    role=$([ "$person" = dave ] && echo writer || echo admin)
    by alice circle add family "${keys[$person]}" --role "$role" > /dev/null
done
run export --home home-alice > all
for person in bob carol dave; do run import all --home "home-$person" > /dev/null; done

for step in $(seq "$steps"); do
    person=$(one_of "${people[@]}")
    other=$(one_of "${people[@]}")
    case $((RANDOM % 20)) in
    0 | 1)
        role=$(one_of writer admin reader moderator)
        by "$person" circle add family "${keys[$other]}" --role "$role" > /dev/null
        ;;
    2) by "$person" circle rm family "${keys[$other]}" > /dev/null ;;
    3)
        role=$(one_of writer admin reader)
        by "$person" circle role family "${keys[$other]}" "$role" > /dev/null
        ;;
    4)
        [ ${#events[@]} -gt 0 ] || continue
        by "$person" circle void family "$(one_of "${events[@]}")" > /dev/null
        ;;
    5 | 6)
        note=$(by "$person" new note "title=$step" --circle family | member id)
        [ -z "$note" ] || { notes+=("$note"); events+=("$note"); }
        ;;
    7 | 8 | 9 | 10 | 11 | 12 | 13)
        [ ${#notes[@]} -gt 0 ] || continue
        event=$(by "$person" set "$(one_of "${notes[@]}")" "k$((RANDOM % 3))=$step" | member event)
        [ -z "$event" ] || events+=("$event")
        ;;
    *)
        order=$RANDOM
        run export --home "home-$person" | shuf --random-source=<(yes "$order") |
            head -n $((RANDOM % 60 + 5)) | run import --home "home-$other" > /dev/null
        check_home "$other"
        ;;
    esac
done

: > all
for person in "${people[@]}"; do run export --home "home-$person" >> all; done
for person in "${people[@]}"; do
    shuf all | run import --home "home-$person" > /dev/null
    check_home "$person"
    check "$person: as all" "$(run fsck --home home-alice | member hash)" \
        "$(run fsck --home "home-$person" | member hash)"
done

[ "$failures" = 0 ] || echo "seed $seed"
echo "$checks checks, $failures failures, ${#notes[@]} notes, ${#events[@]} events"
[ "$failures" = 0 ]
