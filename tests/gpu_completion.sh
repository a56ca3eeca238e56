#!/bin/bash
# The completion knows the commands and every option that --help knows: gpu_completion.sh SOURCE BUILD
set -eu
source "$1/ops/shoal-gpu.bash"
program=$2/gpu/shoal-gpu
offers() # word... : what is offered for the last
{
    COMP_WORDS=("$program" "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _shoal_gpu "$program"
    echo "${COMPREPLY[*]}"
}
expect() { [ "$2" = "$3" ] || { echo "$1: expected '$2', got '$3'"; exit 1; }; }
expect command inspect "$(offers ins)"
expect option --no-root "$(offers inspect --no)"
expect folder "$1/ops" "$(offers inspect --cache-dir "$1/op")"
expect file "$1/ops/shoal-gpu.bash" "$(offers inspect "$1/ops/shoal-gpu.b")"
options=$("$program" --help | grep -cE '^  --')
expect "every option" "$options" "$(offers inspect -- | wc -w)"
