#!/bin/sh
# Includes point one way. Between folders: shared <- relay, shared <- client <- gpu (which takes only
# link, keys and wallet, and what they stand on), shared <- gpu/exec*. Inside relay: a module includes
# only those to its left in RELAY; a file noun_more.[ch] belongs to the module noun. Inside client: all
# but the modules in SHELL is the pure core, which touches no system and nothing of the shell. Prints
# the offenders and fails.
#
#     tests/layering.sh SOURCE_DIRECTORY
cd "$1" || exit 1
RELAY="log metrics option hash table kind_set language rules retention config drop notify reserve revival progress list talkers address
       frame head websocket squeeze session db cluster schema tag_hash param row tail page plan
       route control replica reader batch store shards folding search indexer searches merge window trust policy plugin interest live auth reply cursor
       records ranked request reconcile verifier intake remote push recent places ingest query dispatch http health ticket rpc admin
       listener peer answer guest server worker takeover supervisor transfer reshard router operator main"
SHELL="agent apikey audience basket bond bunker catalog command deed exchange expense httpd inbox keyring link main outbox pen provider proxy purse serve shoal sql store sync tail teller terminal trade vault wasm"

lines()
{
    pattern=$1
    shift
    for folder; do
        [ -d "$folder" ] && grep -rnE "$pattern" "$folder" --include='*.[ch]' --include='*.cu' --exclude-dir=node_modules
    done
}

# The module in RELAY that a file belongs to: its name, less _words from the right.
module_of()
{
    noun=$1
    while :; do
        for module in $RELAY; do
            [ "$module" = "$noun" ] && echo "$noun" && return
        done
        case $noun in *_*) noun=${noun%_*} ;; *) return ;; esac
    done
}

rank_of()
{
    rank=0
    for module in $RELAY; do
        rank=$((rank + 1))
        [ "$module" = "$1" ] && echo $rank && return
    done
}

{
    lines '#include "(relay|client|gpu|tests)/' shared
    lines '#include "(client|gpu|tests)/' relay
    lines '#include "(relay|gpu|tests)/' client
    lines '#include "(relay|tests|client)/' gpu | grep -vE '"client/(apikey|box|coin|demand|holder|httpd|keys|link|market|ncryptsec|secret|terminal|token|vault|wallet|wallet_wire|wrap)\.h"'
    lines '#include "client/' gpu | grep -E '^gpu/exec'
    lines '#include <(libpq-fe|libwebsockets|uv|pthread|time|unistd|signal|fcntl)\.h>' shared
    lines '#include <(sys|netinet|arpa)/' shared
    lines '#include "[^/"]*"' shared relay client gpu tests # no folder named

    shell=$(echo "$SHELL" | tr -s ' \n' '||')
    {
        lines '#include <(stdio|time|unistd|signal|fcntl|pthread|uv|sqlite3|libwebsockets|curl/.*)\.h>' client
        lines '#include <(sys|netinet|arpa)/' client
        lines "#include \"client/($shell)[._]" client
    } | grep -vE "^client/($shell)[._]"

    for file in relay/*.[ch]; do
        [ -f "$file" ] || continue
        name=${file#relay/}
        module=$(module_of "${name%.*}")
        if [ -z "$module" ]; then
            echo "$file has no place in the list of $0"
            continue
        fi
        own=$(rank_of "$module")
        for include in $(sed -n 's/^#include "relay\/\([a-z_]*\)\.h".*/\1/p' "$file"); do
            other=$(module_of "$include")
            if [ -z "$other" ] || [ "$(rank_of "$other")" -gt "$own" ]; then
                echo "$file includes relay/$include.h, which is not to its left"
            fi
        done
    done
} | grep . && exit 1
exit 0
