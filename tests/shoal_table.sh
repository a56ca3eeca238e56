#!/bin/bash
# Every command of --help, which the man page is made of, is run by some test of the client, and each
# status that the program may end with is documented: shoal_table.sh SOURCE SHOAL
# A command counts as run where a script hands its name to the program, or to a function of the tests
# that does; so does what a test in C says to one.
set -eu
source=$1
shoal=$(realpath "$2")
cd "$source/tests"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mapfile -t commands < <("$shoal" --help | sed -nE 's/^  shoal ([a-z-]+( [a-z-]+)?)  .*/\1/p')
[ "${#commands[@]}" -ge 90 ] || { echo "only ${#commands[@]} commands in --help"; exit 1; }

# Only what ctest runs; what the trial hands to all of them alike proves less than a test of its own.
for script in shoal*.sh; do
    case $script in shoal_trial.sh | shoal_table.sh | shoal_home.sh) continue ;; esac
    if grep -qE "/$script( |\))|^shoal_test\([a-z_]+ ${script%.sh} " ./*.cmake; then sed 's/^ *#.*//' "$script"; fi
done > "$folder/scripts"
cat relay_bunker.c relay_dm.c relay_exchange.c relay_lies.c relay_lost.c relay_swarm.c > "$folder/programs"

in_scripts='("\$shoal"|shoal|run|write|get|there|(as|at|by|of|on) "?[$a-z_{}1-]+"?|status_of [0-9]|fails [0-9] [a-z]+)'
in_programs='(as|keyed|run|shoal|scratch_format|cli_run|cli_expect|cli_start)\(([0-9], )?("[a-z]+", )?(scratch_format\()?"'
is_run() # command, those that begin with it
{
    {
        grep -E "(^|[^a-z_-])$in_scripts $1([^a-z-]|\$)" "$folder/scripts"
        grep -E "$in_programs$1[ \"]" "$folder/programs"
    } | grep -qvE "${2:-^\$}"
}
missing=0
for command in "${commands[@]}"; do
    longer=$(printf '%s\n' "${commands[@]}" | sed -n "s/^$command //p" | paste -sd '|')
    is_run "$command" "${longer:+[^a-z-]$command ($longer)}" && continue
    echo "no test runs: shoal $command"
    missing=$((missing + 1))
done
for command in dissolve 'circle dissolve' key; do
    ! is_run "$command" '' || { echo "a command that is not there is said to be run: $command"; exit 1; }
done

# Statuses.
mapfile -t statuses < <(sed -nE 's/^ *COMMAND_[A-Z]+ = ([0-9]+),.*/\1/p' ../client/command.h)
[ "${#statuses[@]}" -ge 5 ] || { echo "only ${#statuses[@]} statuses"; exit 1; }
help_text=$("$shoal" --help | tr '\n' ' ')
for status in "${statuses[@]}"; do
    [[ ${help_text#*Status:} =~ \ $status\ [a-z] ]] && grep -qx "\.B $status" ../client/shoal.1.in && continue
    echo "status $status is not documented"
    missing=$((missing + 1))
done
echo "${#commands[@]} commands, ${#statuses[@]} statuses, $missing missing"
[ "$missing" = 0 ]
