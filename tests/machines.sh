#!/bin/sh
# Machines for a test: network namespaces NAME1, NAME2, ... joined by a bridge with the caller, who
# is 10.78.OCTET.1 there; they are 10.78.OCTET.11, .12, ...
#
#     tests/machines.sh up NAME OCTET COUNT
#     tests/machines.sh down NAME COUNT
#
# NAME: at most 8 characters. Exits with 77 where this is not allowed.
set -eu
name=$2

down()
{
    for i in $(seq "$1"); do
        ip netns delete "$name$i" 2>/dev/null || true
        ip link delete "${name}v$i" 2>/dev/null || true # a namespace goes a while after its name
    done
    ip link delete "${name}b" 2>/dev/null || true
}

up_one() # OCTET I
{
    ip netns add "$name$2" &&
        ip link add "${name}v$2" type veth peer name eth0 netns "$name$2" &&
        ip link set "${name}v$2" master "${name}b" up &&
        ip -n "$name$2" link set lo up &&
        ip -n "$name$2" link set eth0 up &&
        ip -n "$name$2" address add "10.78.$1.1$2/24" dev eth0
}

up() # OCTET COUNT
{
    ip link add "${name}b" type bridge &&
        ip address add "10.78.$1.1/24" dev "${name}b" &&
        ip link set "${name}b" up || return 1
    for i in $(seq "$2"); do
        up_one "$1" "$i" || return 1
    done
}

case $1 in
up)
    command -v ip >/dev/null || exit 77
    up "$3" "$4" 2>/dev/null || { down "$4" && exit 77; }
    ;;
down) down "$3" ;;
*)
    echo "$0: up or down?" >&2
    exit 2
    ;;
esac
