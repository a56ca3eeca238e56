/* Any text: what is read is written and read again as the same. */
#include <assert.h>

#include "client/demand.h"
#include "shared/arena.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct text text = {0};
    struct demand once, twice;
    if (demand_read(&once, &arena, (struct span){(const char *)data, size}, NULL)) {
        assert(once.mint_count <= DEMAND_MINTS_MAX);
        demand_write(&text, &once);
        assert(text.len > DEMAND_BYTES_MAX || demand_read(&twice, &arena, text_span(&text), NULL));
        if (text.len <= DEMAND_BYTES_MAX) {
            assert(twice.has_amount == once.has_amount && twice.is_once == once.is_once);
            assert(twice.amount == once.amount && twice.mint_count == once.mint_count);
            assert(span_eq(twice.id, once.id) && span_eq(twice.unit, once.unit));
            assert(span_eq(twice.description, once.description));
        }
    }
    text_clear(&text);
    arena_clear(&arena);
    return 0;
}
