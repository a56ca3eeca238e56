/* Any bytes as an event of a stream: what is read of it lies in it, or is no longer than it. */
#include <assert.h>

#include "client/delta.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span part, struct span whole)
{
    assert(part.len <= whole.len && utf8_is(part));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span json = {(const char *)data, size};
    struct arena arena = {0};
    struct delta delta;
    struct err err;
    if (delta_read(&delta, &arena, json, &err)) {
        check(delta.text, json);
        check(delta.finish, json);
        check(delta.error, json);
        check(delta.token, json);
        check(delta.receipt, json);
        struct span receipt = delta.receipt;
        assert(receipt.len == 0 || (receipt.at[0] == '{' && receipt.at[receipt.len - 1] == '}'));
        assert(delta.has_usage || delta.prompt_tokens + delta.output_tokens == 0);
    } else {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    arena_clear(&arena);
    return 0;
}
