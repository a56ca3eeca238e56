/* Any bytes as the address of a bunker, read back as it was written; and as a reply. */
#include <assert.h>
#include <stdint.h>

#include "client/bunker_wire.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    struct arena arena = {0};
    struct text text = {0};
    struct bunker_place place, again;
    struct bunker_reply reply;
    struct err err;
    if (bunker_parse(&place, &arena, bytes, &err)) {
        bunker_write(&text, &place);
        if (text.len <= BUNKER_WORD_MAX) { /* percents make it longer */
            bool ok = bunker_parse(&again, &arena, text_span(&text), NULL);
            assert(ok && again.relay_count == place.relay_count);
            for (uint32_t i = 0; i < place.relay_count; i++)
                assert(span_eq(place.relays[i], again.relays[i]));
        }
    } else {
        assert(err.text[0] != '\0');
    }
    if (!bunker_parse_reply(&reply, &arena, bytes, &err))
        assert(err.text[0] != '\0');
    text_clear(&text);
    arena_clear(&arena);
    return 0;
}
