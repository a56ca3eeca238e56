#!/bin/sh
# The agent as a user meets it: the password once, everything signed after that; locked, killed,
# replaced, twice, in the foreground.
#
#     tests/shoal_agent.sh SHOAL_BINARY
set -u
shoal=$(realpath "$1")
home=$(mktemp -d) || exit 1
trap '"$shoal" agent stop > last 2>&1; rm -rf "$home"' EXIT
cd "$home" || exit 1
export HOME="$home" XDG_RUNTIME_DIR="$home"
unset XDG_CONFIG_HOME XDG_DATA_HOME SHOAL_KEY_FILE SHOAL_HOME SHOAL_AGENT
checks=0
failures=0

check() # what, wanted, got
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] && return
    failures=$((failures + 1))
    printf '%s:\n  wanted %s\n  got    %s\n' "$1" "$2" "$3"
}

run() { "$shoal" "$@" 2> error < /dev/null; }

status_of() # wanted status, argument...
{
    wanted=$1
    shift
    "$shoal" "$@" > output 2> error < /dev/null
    check "status of $*" "$wanted" $?
}

member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

await() # what, wanted, command...: until it says that
{
    what=$1 wanted=$2 tries=2000
    shift 2
    while got=$("$@" 2> error); [ "$got" != "$wanted" ] && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
    done
    check "$what" "$wanted" "$got"
}

locked() { "$shoal" agent status | member locked; }

printf 'hunter2\n' > password
printf 'hunter3\n' > wrong
status_of 5 agent start --password-file password
npub=$(run identity new --password-file password --cost 4 | member npub)
status_of 5 agent status
check 'why' 'shoal agent status: no agent is there: shoal agent start' "$(cat error)"
status_of 5 event
status_of 5 agent start --password-file wrong
check 'no socket is left' 0 "$(find shoal -type s | wc -l)"

# The password once.
check 'started' "$npub" "$(run agent start --password-file password | member npub)"
check 'for nobody else' '700 600' "$(stat -c %a shoal) $(stat -c %a shoal/agent)"
pid=$(run agent status | member pid)
check 'leaves no core' 0 "$(sed -n 's/Max core file size *\([0-9]*\) .*/\1/p' "/proc/$pid/limits")"
check 'signs' true "$(run event --content hi | "$shoal" verify | member valid)"
check 'who you are' "$npub" "$(run identity show | member npub)"
check 'writes' 64 "$(run new note title=Fish | member id | tr -d '\n' | wc -c)"
check 'counted' 2 "$(run agent status | member used)"
status_of 5 identity export --nsec
check 'the secret is not for it to give' '' "$(cat output)"
status_of 5 agent start --password-file password
check 'one at a time' "shoal agent start: an agent is there already: $home/shoal/agent" "$(cat error)"

# Of another key it knows nothing.
run identity new --password-file password --cost 4 --key other > output
status_of 5 event --key other
cp .config/shoal/key copy
check 'the same key elsewhere' "$npub" "$(run identity show --key copy | member npub)"
check 'not wanted' 5 "$(SHOAL_AGENT='' "$shoal" event > output 2> error < /dev/null; echo $?)"

# Locked and unlocked.
status_of 0 agent lock
check 'locked' true "$(locked)"
status_of 5 event
status_of 5 agent unlock --password-file wrong
check 'why' 'shoal agent unlock: the password is wrong, or the word was altered' "$(cat error)"
status_of 0 agent unlock --password-file password
status_of 0 event
npub=$(run identity new --password-file password --cost 4 --replace | member npub)
status_of 5 event
status_of 0 agent unlock --password-file password
check 'the new one' "$npub" "$(run identity show | member npub)"

# Killed, and started again; stopped.
kill -9 "$pid"
why() { "$shoal" agent status 2>&1; }
await 'killed' 'shoal agent status: no agent is there: shoal agent start' why
status_of 5 agent status
status_of 0 agent start --password-file password
status_of 0 event
status_of 0 agent stop
status_of 5 agent stop
check 'no socket is left' 0 "$(find shoal -type s | wc -l)"

# Locked when nobody asks.
status_of 0 agent start --password-file password --timeout 1
await 'locks itself' true locked
status_of 0 agent stop

# In the foreground, and in another place.
mkdir -m 700 place
export SHOAL_AGENT=place/socket
"$shoal" agent start --foreground --locked 2> error < /dev/null &
pid=$!
await 'begins locked' true locked
status_of 0 agent unlock --password-file password
status_of 0 event
kill "$pid"
wait "$pid"
check 'ended as told' 0 $?
status_of 5 agent status
chmod 755 place
status_of 5 agent start --password-file password
chmod 700 place
status_of 2 agent start --timeout x
status_of 2 agent
status_of 1 agent start --password-file nowhere

echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
