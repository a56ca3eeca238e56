#!/bin/bash
# Runs every command of the README: readme.sh SOURCE BUILD. A command that is not run here fails
# the test, and so does one that is run here and is no longer there.
# Not run for real are those that change the machine: useradd and systemctl.
set -eu
source=$1
build=$2
folder=$(mktemp -d)
chmod 755 "$folder"
relay_pid=
stop_relay()
{
    [ -z "$relay_pid" ] || kill "$relay_pid" 2> /dev/null || true
    [ -z "$relay_pid" ] || wait "$relay_pid" || { echo "the relay ended with $?"; return 1; }
    relay_pid=
}
trap 'stop_relay || true; shoal agent stop 2> /dev/null || true; rm -rf "$folder"' EXIT

export PATH="$build/relay:$build/client:$build/gpu:$PATH"
export SHOAL_RELAY_DATA_DIR="$folder/data" SHOAL_RELAY_LISTEN_PORT=0
export XDG_RUNTIME_DIR="$folder" # of the client's agent
cd "$folder"
(umask 077 && echo secret > password) # of the client's key

# Runs in the background whatever runs until it is told to stop; returns when it is ready.
run_until_ready() # command...
{
    rm -f ready && mkfifo ready
    "$@" > ready 2>> relay.log &
    relay_pid=$!
    exec 3< ready
    read -r -u 3 line || { cat relay.log; return 1; }
    [[ $line == "ready "* ]] || { echo "instead of ready: $line"; return 1; }
}

# The README's database host is the one that the test was given. Once a relay has run on a cluster of
# its own, it is what the others use as well: making and starting clusters takes most of the time.
database=${TEST_DB:?a connection string}
localize() { sed "s|\"host=db[a-z.,]* dbname=shoal user=shoal\"|\"$database\"|g"; }

# What an operator does, with the secret key 7, to a relay that is told who that is; it runs on for
# what is done next.
manage()
{
    if [ -z "$relay_pid" ]; then
        (umask 077 && printf '%064d\n' 7 > key)
        SHOAL_RELAY_ADMIN_PUBKEYS=5cbdf0646e5db4eaa398f365f2ea7a0e3d419b7e0330e39ce92bddedcac4f9bc \
            run_until_ready shoal-relay
        managed_port=${line#ready port=}
    fi
    SHOAL_RELAY_LISTEN_PORT=$managed_port SHOAL_ADMIN_KEY_FILE=$folder/key eval "$1"
}

# Another client meets the one that serves, at any port that is free.
serve()
{
    rm -f ready && mkfifo ready
    (export HOME=$folder && eval "exec ${1/0.0.0.0:7447/127.0.0.1:0}") > ready &
    local server=$!
    read -r line < ready
    HOME=$folder shoal sync "$(sed -E 's/.*"(ws:[^"]*)".*/\1/' <<< "$line")" --all --home elsewhere
    kill $server && wait $server
}

# A node, until it is ready and has been asked; at any port that is free.
serve_model()
{
    rm -f ready && mkfifo ready
    (HOME=$folder && export HOME && eval "exec ${1//ops\/demo/$source/ops/demo} --listen 127.0.0.1:0") 2> ready &
    local server=$!
    exec 3< ready
    while read -r -u 3 line && echo "$line" && [[ $line != *" ready "* ]]; do :; done
    exec 4<> "/dev/tcp/127.0.0.1/$(sed -E 's|.* ready http://[0-9.]*:([0-9]+) .*|\1|' <<< "$line")"
    printf 'GET /v1/models HTTP/1.0\r\n\r\n' >&4
    grep -qE '"id":"(demo|llama3.2|model)"' <&4
    exec 4>&-
    kill $server && wait $server
    exec 3<&-
}

run_line() # a line of the README, without its comment
{
    case $1 in "shoal-relay admin "*) ;; *) stop_relay ;; esac
    case $1 in
        ops/run) "$source/ops/run" --help ;; # its work is what these tests are run by
        ops/test) "$source/ops/test" --help ;;
        "shoal-relay --config shoal-relay.conf")
            eval "run_until_ready $1"
            stop_relay
            export SHOAL_RELAY_DATABASE=$database
            ;;
        "shoal-relay --database="* | "shoal-relay --retention-s="* | \
            "shoal-relay --window-bytes-max="*)
            eval "run_until_ready $(localize <<< "$1")"
            stop_relay
            ;;
        "shoal-relay admin "*) manage "$1" ;;
        "shoal-relay router streams.conf") # as the README has it, but for where it goes
            sed -n '/^\[friends\]$/,/^```$/p' "$source/README.md" | grep -v '^```' |
                sed -E 's|wss://relay.example.(...)|ws://127.0.0.1:1/\1|' > streams.conf
            run_until_ready shoal-relay router streams.conf
            stop_relay
            ;;
        "shoal-relay sync "*) # with another relay
            SHOAL_RELAY_SCHEMA=other run_until_ready shoal-relay
            eval "${1/wss:\/\/relay.example.com/ws://127.0.0.1:${line#ready port=}}"
            stop_relay
            ;;
        "ops/failover --help" | "ops/bench/failover --help") eval "$source/$1" ;;
        "ops/backup "*) eval "$source/$(localize <<< "$1" | sed "s|/var/|$folder/var/|g")" ;;
        "shoal-relay shard balance") eval "$1 --grace 0" ;;
        "shoal-relay "* | pg_dump* | pg_restore*) eval "$(localize <<< "$1")" ;;
        "shoal sync pull"* | "shoal sync push"*) HOME=$folder eval "$1" ;;
        "shoal sync"* | "shoal push" | "shoal models" | "shoal swarm" | "shoal "*wss://*) # with a relay that is there
            SHOAL_RELAY_SCHEMA=other run_until_ready shoal-relay
            HOME=$folder shoal remote add "ws://127.0.0.1:${line#ready port=}"
            HOME=$folder eval "${1/wss:\/\/relay.example.com/ws://127.0.0.1:${line#ready port=}}"
            HOME=$folder shoal remote rm "ws://127.0.0.1:${line#ready port=}"
            stop_relay
            ;;
        "shoal serve "*) serve "$1" ;;
        "shoal mcp"*) HOME=$folder eval "$1" < /dev/null ;;
        "shoal "* | "note=\$(shoal "*) HOME=$folder eval "$1" ;;
        "shoal-gpu serve "*) serve_model "$1" ;;
        "shoal-gpu mint "* | "shoal-gpu audit "*) eval "$1" ;;
        "shoal-gpu "*) (cd "$source" && eval "$1") ;;
        "cmake --install build/release") DESTDIR=$folder/root cmake --install "$build" ;;
        "systemctl daemon-reload" | "systemctl enable --now shoal-relay" | "useradd --system "*)
            test -f "$folder/root/usr/local/lib/systemd/system/shoal-relay.service"
            ;;
        *) echo "no test runs this command of the README: $1" && return 1 ;;
    esac
}

lines=0
while read -r line; do
    line=$(sed -E 's/ +#.*//' <<< "$line")
    [ -n "$line" ] || continue
    echo "+ $line"
    run_line "$line"
    lines=$((lines + 1))
done < <(sed -n '/^```sh$/,/^```$/p' "$source/README.md" | grep -v '^```')
[ "$lines" -ge 15 ] || { echo "only $lines commands in the README"; exit 1; }

# What they made is what the README says it is.
shoal-relay --check-config --config shoal-relay.conf
test -f events.jsonl && test -f profiles.jsonl && test -s shoal.dump && test -s event.json && test -s unasked.json
test -x "$folder/root/usr/local/bin/shoal-relay"
echo "$lines commands"
