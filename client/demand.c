#include "client/demand.h"

#include <cbor.h>
#include <sodium.h>
#include <stdlib.h>

#include "shared/text.h"

typedef size_t encode_fn(size_t value, unsigned char *out, size_t room);

static void add_head(struct text *out, encode_fn *encode, size_t value)
{
    enum { HEAD_BYTES_MAX = 9 };
    out->len += encode(value, (unsigned char *)text_reserve(out, HEAD_BYTES_MAX), HEAD_BYTES_MAX);
}

static void add_string(struct text *out, struct span text)
{
    add_head(out, cbor_encode_string_start, text.len);
    text_add(out, text);
}

static void add_member(struct text *out, struct span name, struct span text)
{
    if (text.len == 0)
        return;
    add_string(out, name);
    add_string(out, text);
}

static void write_members(struct text *out, const struct demand *demand)
{
    const bool there[] = {demand->id.len > 0, demand->has_amount,     demand->unit.len > 0,
                          demand->is_once,    demand->mint_count > 0, demand->description.len > 0};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        count += there[i];
    add_head(out, cbor_encode_map_start, count);
    add_member(out, SPAN("i"), demand->id);
    if (demand->has_amount) {
        add_string(out, SPAN("a"));
        add_head(out, cbor_encode_uint, demand->amount);
    }
    add_member(out, SPAN("u"), demand->unit);
    if (demand->is_once) {
        add_string(out, SPAN("s"));
        out->len += cbor_encode_bool(true, (unsigned char *)text_reserve(out, 1), 1);
    }
    if (demand->mint_count > 0) {
        add_string(out, SPAN("m"));
        add_head(out, cbor_encode_array_start, demand->mint_count);
        for (uint32_t i = 0; i < demand->mint_count; i++)
            add_string(out, demand->mints[i]);
    }
    add_member(out, SPAN("d"), demand->description);
}

void demand_write(struct text *out, const struct demand *demand)
{
    const int variant = sodium_base64_VARIANT_URLSAFE;
    struct text bytes = {0};
    write_members(&bytes, demand);
    size_t size = sodium_base64_encoded_len(bytes.len, variant); /* with a NUL */
    text_add(out, SPAN("creqA"));
    sodium_bin2base64(text_reserve(out, size), size, (const uint8_t *)bytes.at, bytes.len, variant);
    out->len += size - 1;
    text_clear(&bytes);
}
