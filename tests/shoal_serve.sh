#!/bin/bash
# shoal serve: two stores meet without any relay and end with the same events and the same state; it
# keeps its bounds, whatever is sent, and ends when it is told to: shoal_serve.sh SHOAL
set -eu
shoal=$(realpath "$1")
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" || true; rm -rf "$folder"' EXIT
cd "$folder"
export HOME=$folder
unset XDG_CONFIG_HOME XDG_DATA_HOME SHOAL_KEY_FILE SHOAL_HOME
checks=0
expect() # what wanted got
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] || { printf '%s:\n  expected %s\n  got      %s\n' "$1" "$2" "$3"; cat log; exit 1; }
}
has() { [[ $3 == *"$2"* ]] || { printf '%s:\n  expected %s\n  got      %s\n' "$1" "$2" "$3"; cat log; exit 1; }; checks=$((checks + 1)); }
member() { sed -nE "s/.*\"$1\":\"?([^,}\"]*).*/\1/p"; }

# In the background until it is told to end.
serve() # option...
{
    rm -f ready && mkfifo ready
    "$shoal" serve --listen 0 "$@" > ready 2>> log &
    server=$!
    exec 3< ready
    read -r -u 3 line || { cat log; exit 1; }
    url=$(member url <<< "$line")
    port=${url##*:}
}
stop()
{
    kill -"${1:-TERM}" "$server"
    wait "$server" || { echo "it ended with $?"; cat log; exit 1; }
    server=
}

echo secret > password && chmod 600 password
"$shoal" identity new --password-file password --cost 4 > me
for i in 1 2 3 4 5 6; do
    "$shoal" new note n:=$i --home one --password-file password > last
    "$shoal" event --content "$i" --password-file password > written
    "$shoal" import written --home two > /dev/null
done
id=$(member id < last)
"$shoal" event --content later --password-file password > late

# Two stores: what each has the other has as well; the second time nothing differs.
serve --home one
has "what is where" '"to_fetch":6,"to_send":6' "$("$shoal" sync "$url" --all --home two --dry-run)"
has "a sync" '"fetched":6,"sent":6' "$("$shoal" sync "$url" --all --home two)"
has "again" '"fetched":0,"sent":0' "$("$shoal" sync "$url" --all --home two)"
expect "the same events" "$("$shoal" export --home one | sort)" "$("$shoal" export --home two | sort)"
expect "how many" 12 "$("$shoal" export --home one | wc -l)"
expect "the same state" "$("$shoal" show "$id" --home one)" "$("$shoal" show "$id" --home two)"
has "page by page" '"fetched":12' "$("$shoal" sync "$url" --all --home three --pages)"
expect "a count" 6 "$("$shoal" count "$url" '{"kinds":[1570]}' | member count)"
expect "a count a line" "6 2" "$(printf '%s\n' '{"kinds":[1570]}' '{"kinds":[1],"limit":2}' | "$shoal" count "$url" - | member count | paste -sd ' ')"
expect "filters of lines" 3 "$(printf '%s\n' '{"kinds":[1570],"limit":2}' '{"kinds":[1],"limit":1}' | "$shoal" req "$url" - | wc -l)"
expect "a filter" 2 "$("$shoal" req "$url" '{"kinds":[1],"limit":2}' | wc -l)"

# A subscription hears of what comes; what comes twice is known.
mkfifo heard
"$shoal" req "$url" '{"kinds":[1],"limit":1}' --follow > heard 2>> log &
follower=$!
exec 5< heard
read -r -t 60 -u 5 line # what was there
"$shoal" publish "$url" < late > /dev/null
read -r -t 60 -u 5 line
has "what came" later "$line"
"$shoal" event --content outside --password-file password > written
"$shoal" import written --home one > /dev/null
read -r -t 60 -u 5 line
has "what another process put in" outside "$line"
kill $follower
wait $follower || true
has "a double" duplicate "$("$shoal" publish "$url" < late)"

# What it is, before anybody connects.
page()
{
    exec 4<> "/dev/tcp/127.0.0.1/$port"
    printf 'GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAccept: %s\r\n\r\n' "$1" >&4
    timeout 20 cat <&4 | tr -d '\r'
    exec 4>&-
}
has "what it is" '"supported_nips":[1,11,45,67,77]' "$(page application/nostr+json)"
has "for pages, too" 'access-control-allow-origin: *' "$(page application/nostr+json)"
has "no page" 404 "$(page text/html)"

# What is no websocket, what says it is from a page, and what is garbage leave it running.
speak() { exec 4<> "/dev/tcp/127.0.0.1/$port" && printf '%b' "$1" >&4 && timeout 20 head -n 1 <&4 | tr -d '\r'; exec 4>&-; }
handshake='GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
expect "a handshake" "HTTP/1.1 101 Switching Protocols" "$(speak "$handshake\r\n")"
forged="[\"EVENT\",$(sed 's/later/lake/' late)]"
exec 4<> "/dev/tcp/127.0.0.1/$port"
printf '%b' "$handshake\r\n" >&4
while IFS= read -r -t 60 -u 4 answer && [ "$answer" != $'\r' ]; do :; done # the end of the head
{ printf '%b' "\\x81\\xfe$(printf '\\x%02x\\x%02x' $((${#forged} / 256)) $((${#forged} % 256)))\0\0\0\0"; printf '%s' "$forged"; } >&4
IFS= read -r -t 60 -d ']' -u 4 answer || true # it ends with that
has "another content" "invalid: the id is not the event's" "$answer"
printf '%b' '\x81\x9a\0\0\0\0["REQ","s",{"search":"x"}]' >&4
IFS= read -r -t 60 -d ']' -u 4 answer || true
has "a search" "unsupported: " "$answer"
exec 4>&-
if [[ $(speak "${handshake}Origin: http://page.example.com\r\n\r\n") == *101* ]]; then echo "a page got in"; exit 1; fi
speak 'GET / HTTP/1.1\r\nHost: here\r\n\r\n' > /dev/null
speak "$handshake\r\n\x82\x84\0\0\0\0abcd" > /dev/null                # binary
speak "$handshake\r\n\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" > /dev/null # a frame without end
speak "$handshake\r\n\x81\x82\0\0\0\0[[" > /dev/null
head -c 100000 /dev/urandom > garbage
{ cat garbage > "/dev/tcp/127.0.0.1/$port"; } 2>> log || true
expect "it still answers" 6 "$("$shoal" count "$url" '{"kinds":[1570]}' | member count)"
stop

# Read only; a port that is taken; an interrupt ends it as well.
serve --home two --read-only
has "nothing is taken" blocked "$("$shoal" publish "$url" < late 2>&1 || true)"
expect "but read" 6 "$("$shoal" count "$url" '{"kinds":[1570]}' | member count)"
if "$shoal" serve --home one --listen "127.0.0.1:$port" 2>> log; then echo "a port for two"; exit 1; fi
stop INT

# What is sealed is told as it was sealed.
secret=$("$shoal" new note title=Hidden --scope self --home two --password-file password | member id)
serve --home two
if "$shoal" req "$url" "{\"ids\":[\"$secret\"]}" | grep Hidden; then echo "it tells what is sealed"; exit 1; fi
expect "nor counts it" 6 "$("$shoal" count "$url" '{"kinds":[1570]}' | member count)"
has "but the seal" '"kind":1575' "$("$shoal" req "$url" '{"kinds":[1575],"limit":1}')"
"$shoal" sync "$url" --all --home four > /dev/null
"$shoal" circle keys --home four --password-file password > /dev/null
has "which the key opens" Hidden "$("$shoal" show "$secret" --home four)"
stop

# Only for some, who say who they are.
"$shoal" identity new --key stranger --password-file password --cost 4 > /dev/null
serve --home two --allow "$(member pubkey < me)"
has "what it says" '"auth_required":true' "$(page application/nostr+json)"
has "who says nothing" auth-required "$("$shoal" req "$url" '{}' 2>&1 || true)"
has "a stranger" restricted "$("$shoal" req "$url" '{}' --auth --key stranger --password-file password 2>&1 || true)"
has "who may" '"kind":1570' "$("$shoal" req "$url" '{"kinds":[1570],"limit":1}' --auth --password-file password)"
has "and syncs" '"fetched":' "$("$shoal" sync "$url" --all --home five --auth --password-file password)"
has "all of it" Hidden "$("$shoal" circle keys --home five --password-file password > /dev/null; "$shoal" show "$secret" --home five)"
stop
if "$shoal" serve --listen fish 2>> log; then echo "no port"; exit 1; fi
if grep -E 'ERROR|runtime error' log; then exit 1; fi
echo "$checks checks"
