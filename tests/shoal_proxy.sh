#!/bin/bash
# shoal provider and shoal proxy: what is kept, what is refused, and that no API key is to be seen.
#
#     tests/shoal_proxy.sh SHOAL_BINARY
# shellcheck source=tests/shoal_home.sh
. "$(dirname "$0")/shoal_home.sh"
secret=sk-nobody-sees-0123456789abcdef
printf 'hunter2\n' > password
(umask 077 && printf '%s\n' "$secret" > api-key && printf 'own-key-0123456789\n' > own)
run identity new --password-file password --cost 4 > me

# ---- providers ----

status_of 2 provider add
status_of 2 provider add a http://example.com --model m --no-key
status_of 2 provider add a https://example.com --no-key
status_of 2 provider add a https://example.com --model m=1 --no-key
status_of 2 provider add a https://example.com --model m --kind gemini --no-key
status_of 2 provider add a https://example.com --model m --max-day x --no-key
status_of 2 provider add a https://example.com --model m --api-key "$secret"
write provider add a https://api.example.com/v1/ --model m=2.5/10 --model n --rate 60 --max-day 5 --max-request 0.5 --api-key-file api-key > output || cat error
check 'added' '{"name":"a"}' "$(cat output)"
printf '%s\n' "$secret" | write provider add b http://127.0.0.1:1 --kind ollama --model m --api-key-file - > output || cat error
check 'by standard input' '{"name":"b"}' "$(cat output)"
run provider add c http://127.0.0.1:1 --kind anthropic --model m --no-key > output
run provider list > listed
check 'listed' '{"name":"a","kind":"openai","url":"https://api.example.com/v1","key":true,"rate":60,"max_day":500,"max_request":50,"models":[{"model":"m","in":250,"out":1000},{"model":"n","in":0,"out":0}]}' "$(head -n 1 listed)"
check 'all of them' 'a b c' "$(member name < listed | paste -sd ' ')"
check 'with a key or without' 'true true false' "$(member key < listed | paste -sd ' ')"
status_of 2 provider rm d
check 'a trial' '{"name":"c","dry_run":true}' "$(run provider rm c --dry-run)"
check 'removed' '{"name":"c"}' "$(run provider rm c)"
check 'for good' 'a b' "$(run provider list | member name | paste -sd ' ')"

# ---- the proxy ----

status_of 2 proxy --no-swarm --listen x --password-file password
status_of 2 proxy --no-swarm --listen 0.0.0.0:0 --password-file password
check 'why' 1 "$(grep -c 'others reach 0.0.0.0, so --api-key-file is needed' error)"
status_of 2 proxy --no-swarm --max-day x --password-file password
status_of 2 proxy --no-swarm --max-model =1 --password-file password
status_of 2 proxy --password-file password
check 'no relay' 1 "$(grep -c 'no relay to ask' error)"

mkfifo ready
"$shoal" proxy --no-swarm --listen 127.0.0.1:0 --api-key-file own --password-file password > ready 2> log &
proxy=$!
exec 3< ready
read -r -u 3 line || { cat log; exit 1; }
url=$(member url <<< "$line")
port=${url#http://127.0.0.1:}
port=${port%/v1}
tr '\0' ' ' < "/proc/$proxy/cmdline" > seen
cat "/proc/$proxy/environ" >> seen
ask() # method, path, headers, body
{
    exec 4<> "/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%b\r\n%s' "$1" "$2" "${#4}" "$3" "$4" >&4
    cat <&4
    exec 4>&-
}
own='Authorization: Bearer own-key-0123456789\r\n'
chat='{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":5}'
first() { head -n 1 | tr -d '\r'; }
check 'without a key' 'HTTP/1.1 401 Unauthorized' "$(ask GET /v1/models '' '' | first)"
check 'with it' 'm n' "$(ask GET /v1/models "$own" '' | tail -n 1 | tr '{' '\n' | member id | paste -sd ' ')"
check 'a page' 'HTTP/1.1 403 Forbidden' "$(ask GET /v1/models "${own}Origin: https://example.com\r\n" '' | first)"
check 'elsewhere' 'HTTP/1.1 404 Not Found' "$(ask GET /metrics "$own" '' | first)"
check 'no JSON' 'HTTP/1.1 400 Bad Request' "$(ask POST /v1/chat/completions "$own" 'x' | first)"
check 'an unknown model' 1 "$(ask POST /v1/chat/completions "$own" "${chat/\"m\"/\"x\"}" | grep -c '"code":"model_not_found"')"
check 'nobody there' 'HTTP/1.1 502 Bad Gateway' "$(ask POST /v1/chat/completions "$own" "${chat/\"m\"/\"b/m\"}" | first)"
check 'left alone' 1 "$(ask POST /v1/chat/completions "$own" "${chat/\"m\"/\"b/m\"}" | grep -ci '^retry-after: [1-9]')"
kill -TERM "$proxy"
wait "$proxy"
check 'it ends' 0 $?
check 'nothing was answered' '' "$(run proxy usage --json)"
check 'nor at any time' '' "$(run proxy usage --since 0 --json)"
status_of 1 proxy usage --since x

# ---- what is seen ----

find .local -type f -exec cat {} + > store
check 'a store' 1 "$(( $(wc -c < store) > 10000 ))"
check 'no key in it, in what was said, or in arguments' 0 "$(cat store log listed seen | grep -ac -e "$secret" -e own-key-0123456789)"

echo "$checks checks, $failures failures"
[ $failures = 0 ]
