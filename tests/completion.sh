#!/bin/bash
# The completion knows the commands, every option that --help knows, and the levels: completion.sh SOURCE BUILD
set -eu
source "$1/ops/shoal-relay.bash"
relay=$2/relay/shoal-relay
offers() # word... : what is offered for the last
{
    COMP_WORDS=("$relay" "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _shoal_relay "$relay"
    echo "${COMPREPLY[*]}"
}
expect() { [ "$2" = "$3" ] || { echo "$1: expected '$2', got '$3'"; exit 1; }; }
expect commands "run import export admin" "$(offers "" | tr ' ' '\n' | grep -xE 'run|import|export|admin' | tr '\n' ' ' | sed 's/ $//')"
expect prefix import "$(offers im)"
expect option --listen-address "$(offers run --listen-a)"
expect shard balance "$(offers shard b)"
expect level warning "$(offers --log-level w)"
expect shard "list add read balance move" "$(offers shard "")"
options=$("$relay" --help | grep -cE '^  --')
expect "every option" "$options" "$(offers run -- | wc -w)"
