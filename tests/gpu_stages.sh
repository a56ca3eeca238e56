#!/bin/bash
# The demonstration model in two processes answers as it does in one: gpu_stages.sh SOURCE BUILD
set -eu
model=$1/ops/demo/model
program=$2/gpu/shoal-gpu
folder=$(mktemp -d /tmp/shoal-stages-XXXXXX)
stage=
trap '[ -z "$stage" ] || kill "$stage"; rm -rf "$folder"' EXIT
export XDG_CACHE_HOME="$folder/cache"
ask() { "$program" run --layers 0-0 --next "ws://127.0.0.1:$port" "$@" "$model" 'What is a relay?'; }
serve() # option... : sets port
{
    "$program" serve --layers 1-1 --listen 127.0.0.1:0 "$@" "$model" > "$folder/ready" 2> "$folder/notes" &
    stage=$!
    read -r line < "$folder/ready"
    port=${line#ready port=}
}
stop()
{
    kill "$stage"
    wait "$stage" || { echo "a stage ended with $?"; cat "$folder/notes"; exit 1; }
    stage=
}
expect() { [ "$2" = "$3" ] || { echo "$1: expected '$2', got '$3'"; exit 1; }; }
mkfifo "$folder/ready"
"$program" run "$model" 'What is a relay?' > "$folder/whole" 2> /dev/null
whole=$(cat "$folder/whole")

serve
for wire in f32 f16; do
    expect "$wire" "$whole" "$(ask --wire "$wire" 2> /dev/null)"
done
stop

# And it answers applications, in front of the other process.
serve
"$program" serve --layers 0-0 --next "ws://127.0.0.1:$port" --name demo --listen 127.0.0.1:0 \
    "$model" 2> "$folder/ready" &
front=$!
exec 3< "$folder/ready"
read -r line <&3
port=$(echo "$line" | sed -E 's|.*//[0-9.]*:([0-9]+) .*|\1|')
question='{"model":"demo","temperature":0,"messages":[{"role":"user","content":"What is a relay?"}]}'
exec 4<> "/dev/tcp/127.0.0.1/$port"
printf 'POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\n' >&4
printf 'Content-Length: %d\r\n\r\n%s' "${#question}" "$question" >&4
answer=$(cat <&4)
exec 4>&-
case $answer in *"$whole"*) ;; *) echo "an application: $answer" && exit 1 ;; esac
kill "$front"
wait "$front"
exec 3<&-
stop

# Whoever has not the key is told so, and drives nothing.
head -c 32 /dev/urandom | od -An -tx1 -v | tr -d ' \n' > "$folder/key"
chmod 600 "$folder/key"
serve --stage-key-file "$folder/key"
expect key "$whole" "$(ask --stage-key-file "$folder/key" 2> /dev/null)"
mkfifo "$folder/told"
ask > /dev/null 2> "$folder/told" &
stranger=$!
read -r line < "$folder/told"
kill "$stranger"
expect stranger "stage: ws://127.0.0.1:$port: it says: it has not the key" "$line"
stop
chmod 644 "$folder/key"
expect "a key that others may read" "shoal-gpu: others may read the key file $folder/key: chmod 600" \
    "$(ask --stage-key-file "$folder/key" 2>&1 || true)"
expect "a stage for others, without a key" \
    "shoal-gpu: others can call 0.0.0.0: a stage there wants --stage-key-file" \
    "$("$program" serve --layers 1-1 --listen 0.0.0.0:0 "$model" 2>&1 || true)"
expect "layers that are not" "shoal-gpu: --layers 1-2: the model has 0-1" \
    "$("$program" serve --layers 1-2 --listen 127.0.0.1:0 "$model" 2>&1 || true)"
expect "no layers" "shoal-gpu: --next wants --layers, those that run here
try 'shoal-gpu --help'" "$("$program" run --next ws://127.0.0.1:1 "$model" x 2>&1 || true)"
