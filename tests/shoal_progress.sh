#!/bin/bash
# How far it is: what may take long says so on a terminal, on standard error alone, and takes it back.
#
#     tests/shoal_progress.sh SHOAL_BINARY
# shellcheck source=tests/shoal_served.sh
. "$(dirname "$0")/shoal_served.sh"

# Runs it on a terminal, less its answer; what it drew. The input is the file "input".
drawn() # argument...
{
    script -qec "$(printf '%q ' "$shoal" "$@") < input > answer" /dev/null < /dev/null | tr '\r' '\n'
}

# It draws something of that form, and clears it in the end; no terminal sees nothing of it.
draws() # what, form, argument...
{
    what=$1 form=$2
    shift 2
    drawn "$@" > screen
    check "$what draws" 1 "$(grep -cE "$form" screen | sed 's/^[1-9].*/1/')"
    check "$what clears" "$(printf '\033[K')" "$(tail -n 1 screen)"
    "$shoal" "$@" < input > answer 2> error
    check "$what is silent else" '' "$(cat error)"
    check "$what answers no bar" 0 "$(grep -c '###\|\[ ' answer)"
}

bar='\[#* *\] '
printf 'hunter2\n' > password
run identity new --cost 4 --password-file password > /dev/null
for word in one two three; do
    write new note title=$word > /dev/null
done
run export > events
: > input

draws import "${bar}1 events" import events
cp events input
draws 'import of a pipe' "${bar}1 events" import
draws publish "${bar}0 of 3 answers" publish "$url"
draws neg '^.*3 events here' neg "$url" '{}'
run sync pull --all > pages
draws 'sync pull' '^.*1 pages' sync pull --all
draws 'sync push' "${bar}0 operations" sync push pages --home other
draws fsck "${bar}1 of 3 events checked" fsck
draws 'fsck --rebuild' "${bar}3 of 3 events taken in again" fsck --rebuild

# A push knows beforehand how much there is.
run remote add "$url" > /dev/null
write new note title=four > /dev/null
drawn push > screen
check 'push answers' 1 "$(grep -c '"sent":1' answer)"

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
