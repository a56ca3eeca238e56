# What the tests of shoal as a user meets it share, sourced by them with its path as $1: a home of
# their own, that is gone with them, and the tally of what was checked.
# shellcheck shell=sh
set -u
shoal=$(realpath "$1")
home=$(mktemp -d) || exit 1
trap 'rm -rf "$home"' EXIT
cd "$home" || exit 1
export HOME="$home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR SHOAL_KEY_FILE SHOAL_HOME SHOAL_AGENT
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
write() { "$shoal" "$@" --password-file password 2> error; }

status_of() # wanted status, argument...
{
    wanted=$1
    shift
    "$shoal" "$@" > output 2> error < /dev/null
    check "status of $*" "$wanted" $?
}

member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
