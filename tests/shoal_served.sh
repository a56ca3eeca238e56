# What tests of shoal with several people share, sourced by them with its path as $1: a home of their
# own, and in it a mini relay, at $url, that ends with them.
# shellcheck shell=bash source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"

server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server"; }; rm -rf "$home"' EXIT
mkfifo ready
"$shoal" serve --listen 0 --home home-relay > ready 2> log &
server=$!
exec 3< ready
read -r -u 3 line || { cat log; exit 1; }
url=$(member url <<< "$line")

# A person who has a home of that name; or HOME-PERSON, in another one.
by() # person, argument...
{
    person=$1
    shift
    "$shoal" "$@" --home "home-${person%-*}" --key "${person#*-}" --password-file password 2> error
}
