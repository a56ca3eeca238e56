#!/bin/sh
# The lints find what they look for: each is run on a small clean tree, which must pass, and on the
# same tree with one violation planted, which must fail and name the file.
#
#     tests/lint_selftest.sh SOURCE_DIRECTORY
tests=$1/tests
config=$1/.clang-format
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0
cases=0

clean()
{
    rm -rf "$tree"
    mkdir -p "$tree/shared" "$tree/relay" "$tree/client" "$tree/gpu" "$tree/tests" "$tree/nips"
    cp "$config" "$tree/.clang-format"
    printf '/* base.h - words. */\n#pragma once\n' > "$tree/shared/base.h"
    printf '#include "shared/base.h"\n' > "$tree/relay/log.c"
    printf '#include "relay/log.h"\n' > "$tree/relay/store_batch.c"
    printf '/* log.h - lines. */\n#pragma once\n' > "$tree/relay/log.h"
    printf '#include "client/link.h"\n' > "$tree/gpu/worker.c"
    printf 'int main(void)\n{\n    /* NIP-01: "Relays MUST\n     * wait." */\n    return 0;\n}\n' > "$tree/tests/quote.c"
    printf '#!/bin/sh\necho yes\n' > "$tree/tests/yes.sh"
    printf '# NIP-01\nThen relays do. Relays MUST wait. And so on.\n' > "$tree/nips/01.md"
}

# lint, file, line...: the line at the end of the file must make the lint fail and name the file.
catches()
{
    lint=$1
    file=$2
    shift 2
    clean
    cases=$((cases + 1))
    printf '%s\n' "$@" >> "$tree/$file"
    output=$(NIPS="$tree/nips" sh "$tests/$lint.sh" "$tree" 2>&1)
    code=$?
    [ $code -eq 77 ] && return
    if [ $code -eq 0 ] || ! printf '%s' "$output" | grep -q "$file"; then
        echo "$lint did not catch, in $file: $*"
        failures=$((failures + 1))
    fi
}

passes() # lint
{
    clean
    cases=$((cases + 1))
    output=$(NIPS="$tree/nips" sh "$tests/$1.sh" "$tree" 2>&1)
    code=$?
    [ $code -eq 0 ] || [ $code -eq 77 ] || {
        printf '%s fails on a clean tree:\n%s\n' "$1" "$output"
        failures=$((failures + 1))
    }
}

passes layering
catches layering shared/base.h '#include "relay/log.h"'
catches layering shared/base.h '#include <uv.h>'
catches layering shared/base.h '#include <sys/socket.h>'
catches layering shared/base.h '#include "base.h"'
catches layering relay/log.c '#include "client/link.h"'
catches layering relay/log.c '#include "tests/test.h"'
catches layering relay/log.c '#include "relay/store.h"'
catches layering relay/log.c '#include "relay/nowhere.h"'
catches layering relay/store_batch.c '#include "relay/live_index.h"'
catches layering relay/misc.c '#include "relay/log.h"'
catches layering client/link.c '#include "relay/log.h"'
catches layering gpu/worker.c '#include "client/sync.h"'
catches layering gpu/exec.c '#include "client/link.h"'

passes style
catches style shared/base.h 'typedef struct base base;'
catches style relay/log.c '    typedef enum {A} a;'
for banned in strcpy strcat strncpy sprintf strtok atoi gets alloca; do
    catches style relay/log.c "    $banned(a, b);"
done
catches style relay/log.c '    goto out;'
catches style relay/log.c '/* TO''DO: later */'
catches style relay/log.c '/* FIX''ME */'
catches style tests/later.sh '# TO''DO later'
catches style relay/log.c '    json_t *json;'
catches style relay/log.c 'int a; '
catches style relay/log.c "/* $(yes - | head -n 95 | tr -d '\n') */"
catches style shared/long.c "$(yes ';' | head -n 451)"
catches style shared/long.h '/* long.h - x */' '#pragma once' "$(yes ';' | head -n 119)"
catches style shared/twice.h '/* twice.h - x */'
catches style shared/nameless.h '#pragma once'

passes format
catches format relay/log.c 'int  a;'
catches format tests/quote.c 'static int a ( void );'

passes quotes
catches quotes relay/log.c '/* NIP-01: "Relays MUST NOT wait." */'
catches quotes relay/log.c '/* NIP-01: "Relays MUST' ' * run." */'
catches quotes relay/log.c '/* NIP-99: "Relays MUST wait." */'

passes shell
catches shell tests/loop.sh '#!/bin/sh' 'cd /nowhere' 'echo $undefined_$word'

echo "$cases cases, $failures failures"
[ $failures -eq 0 ]
