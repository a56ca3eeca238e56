#!/bin/sh
# The first events that bench_make makes are, byte for byte, those that the published figures were
# measured with.
#
#     ops/bench/events.sh BENCH_MAKE
set -eu
file=$(mktemp)
trap 'rm -f "$file"' EXIT

check() # kinds stream span_s sha256
{
    "$made_by" "$file" 300 "$2" "$1" "$3"
    echo "$4  $file" | sha256sum --check --quiet
}

made_by=$1
check mix 0 31536000 8caf4e6dd7c4e3a900d4db2dea2fcd7a6e94d9beb7846734eb836c465043381b
check notes 1000000 3600 b54eb00ffad3d6e298a70daa11ca95e84e2a043df9ed2bd4bab9a250fdf838ae
