/* Any content: what is read is written and read again as the same. */
#include <assert.h>

#include "client/stash.h"
#include "shared/arena.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wallet(struct arena *arena, struct span json)
{
    struct stash_wallet once, twice;
    struct text text = {0};
    if (!stash_read_wallet(&once, arena, json, NULL))
        return;
    stash_write_wallet(&text, &once);
    assert(stash_read_wallet(&twice, arena, text_span(&text), NULL));
    assert(twice.has_key == once.has_key && twice.mint_count == once.mint_count);
    for (uint32_t i = 0; i < once.mint_count; i++)
        assert(span_eq(once.mints[i], twice.mints[i]));
    text_clear(&text);
}

static void check_coins(struct arena *arena, struct span json)
{
    struct stash_coins once, twice;
    struct text text = {0};
    if (!stash_read_coins(&once, arena, json, NULL))
        return;
    stash_write_coins(&text, &once);
    assert(stash_read_coins(&twice, arena, text_span(&text), NULL));
    assert(span_eq(once.token.mint, twice.token.mint) &&
           span_eq(once.token.unit, twice.token.unit));
    assert(twice.token.count == once.token.count && twice.gone_count == once.gone_count);
    for (uint32_t i = 0; i < once.token.count; i++)
        assert(span_eq(once.token.proofs[i].secret, twice.token.proofs[i].secret));
    text_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const struct span json = {(const char *)data, size};
    check_wallet(&arena, json);
    check_coins(&arena, json);
    arena_clear(&arena);
    return 0;
}
