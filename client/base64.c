#include "client/base64.h"

#include <sodium.h>

#include "shared/arena.h"
#include "shared/text.h"

void base64_add(struct text *out, struct span bytes)
{
    size_t chars = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(text_reserve(out, chars), chars, (const uint8_t *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    out->len += chars - 1; /* less the NUL */
}

bool base64_decode(struct span *bytes, struct arena *arena, struct span chars)
{
    uint8_t *out = arena_alloc(arena, chars.len + 1);
    size_t len;
    if (sodium_base642bin(out, chars.len, chars.at, chars.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *bytes = (struct span){(const char *)out, len};
    return true;
}
