#!/bin/sh
# Random histories, put together natively and by the core as WebAssembly in Node: wasm.sh MODULE
# HISTORIES_PROGRAM. Skipped (77) without Node, or where clang's wasm-ld was not there to build it.
command -v node > /dev/null || { echo "skipped: no node"; exit 77; }
[ -f "$1" ] || { echo "skipped: built without clang's wasm-ld"; exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$2" 200 > "$folder/histories" && node "$(dirname "$0")/wasm.mjs" "$1" "$folder/histories"
