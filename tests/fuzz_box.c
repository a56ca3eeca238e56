/* Any bytes as a payload; and any bytes sealed, which must be opened again, then as a gift. */
#include <assert.h>
#include <stdint.h>

#include "client/box.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/wrap.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct holder *holder;
    static struct bytes32 key;
    const struct bytes32 one = {.at[31] = 1};
    struct text payload = {0}, plain = {0};
    struct arena arena = {0};
    struct event rumor;
    struct err err;
    if (holder == NULL) {
        struct keys *keys = keys_new(&one);
        bool ok = keys != NULL && box_key(&key, keys, keys_pubkey(keys));
        assert(ok);
        holder = holder_of_keys(keys);
    }
    struct span bytes = {(const char *)data, size};
    if (!box_open(&plain, &key, bytes, &err))
        assert(err.text[0] != '\0');
    plain.len = 0;
    if (box_seal(&payload, &key, bytes, &one, NULL)) {
        bool ok = box_open(&plain, &key, text_span(&payload), NULL);
        assert(ok && span_eq(text_span(&plain), bytes));
        struct event wrap = {.kind = KIND_GIFT_WRAP,
                             .pubkey = *holder_pubkey(holder),
                             .content_json = text_span(&payload)};
        if (!wrap_open(&rumor, &arena, holder, &wrap, &err))
            assert(err.text[0] != '\0');
    }
    arena_clear(&arena);
    text_clear(&payload);
    text_clear(&plain);
    return 0;
}
