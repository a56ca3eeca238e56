#!/bin/bash
# Every status that the man page names, by what brings it about; and what each leaves behind.
#
#     tests/shoal_status.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

nowhere=ws://127.0.0.1:1
printf 'hunter2\n' > password
printf 'hunter3\n' > wrong
queued() { run queue | wc -l; }

# 5: no key, a wrong password, or not allowed to.
status_of 5 post hello --key nokey --password-file password
status_of 0 identity new --cost 4 --password-file password
status_of 5 post hello --password-file wrong
status_of 5 identity new --cost 4 --password-file password
run identity new --cost 4 --password-file password --key other > /dev/null
theirs=$(run new note title=Theirs --password-file password --key other | member id)
status_of 5 set "$theirs" title=Mine --password-file password
chmod 755 .local/share/shoal
status_of 5 log
chmod 700 .local/share/shoal

# 2: the command line makes no sense.
status_of 2
status_of 2 swim
status_of 2 log --sideways
status_of 2 log --limit many
status_of 2 show
status_of 2 fetch
check 'it says what would' 1 "$(grep -c 'no relays\|nothing is here' error)"

# 1: it failed, or what was asked about is wrong.
status_of 1 show ffff
status_of 1 decode swim
echo '{}' | run verify > /dev/null
check 'an event that is none' 1 $?
status_of 1 fetch --all $nowhere
status_of 1 push $nowhere

# 0: also where nobody is there, for what is queued.
run remote add $nowhere
status_of 0 post hello --password-file password
check 'it waits' 1 "$(queued)"

# 4: nobody was reached, and what was to be sent stays.
status_of 4 push
status_of 4 sync
status_of 4 push $nowhere
status_of 1 push --dry-run ws://127.0.0.1:2
status_of 1 fetch
check 'it still waits' 1 "$(queued)"

# 3: some relay has it, or has some of it.
run remote add "$url"
write post 'hello again' > /dev/null
check 'two and one' 3 "$(queued)"
status_of 3 push
check 'the other has nothing' 2 "$(queued)"
check 'the relay has one' 1 "$("$shoal" count "$url" '{"kinds":[1]}' | member count)"
run export '{"kinds":[1]}' > events
run publish "$url" $nowhere < events > /dev/null
check 'published in part' 3 $?
run publish $nowhere < events > /dev/null
check 'published nowhere' 1 $?

# 0 again.
run remote rm $nowhere
status_of 0 push
check 'nothing waits' 0 "$(queued)"
status_of 0 log --help

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
