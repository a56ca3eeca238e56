#include "client/demand.h"

#include <sodium.h>

#include "client/item.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

static void add_member(struct text *out, struct span name, struct span text)
{
    if (text.len == 0)
        return;
    item_write_text(out, name);
    item_write_text(out, text);
}

static void write_members(struct text *out, const struct demand *demand)
{
    const bool there[] = {demand->id.len > 0, demand->has_amount,     demand->unit.len > 0,
                          demand->is_once,    demand->mint_count > 0, demand->description.len > 0};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        count += there[i];
    item_write_map(out, count);
    add_member(out, SPAN("i"), demand->id);
    if (demand->has_amount) {
        item_write_text(out, SPAN("a"));
        item_write_number(out, demand->amount);
    }
    add_member(out, SPAN("u"), demand->unit);
    if (demand->is_once) {
        item_write_text(out, SPAN("s"));
        item_write_flag(out, true);
    }
    if (demand->mint_count > 0) {
        item_write_text(out, SPAN("m"));
        item_write_list(out, demand->mint_count);
        for (uint32_t i = 0; i < demand->mint_count; i++)
            item_write_text(out, demand->mints[i]);
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

/* ---- reading ---- */

static bool read_amount(struct item_reader *reader, struct demand *demand, struct err *err)
{
    struct item item;
    if (!item_expect(reader, ITEM_NUMBER, &item, err))
        return false;
    demand->amount = item.number;
    demand->has_amount = true;
    return true;
}

static bool read_once(struct item_reader *reader, struct demand *demand, struct err *err)
{
    struct item item;
    if (!item_expect(reader, ITEM_FLAG, &item, err))
        return false;
    demand->is_once = item.number != 0;
    return true;
}

static bool read_mints(struct item_reader *reader, struct demand *demand, struct arena *arena,
                       struct err *err)
{
    struct item list;
    if (!item_expect(reader, ITEM_LIST, &list, err))
        return false;
    if (list.number > DEMAND_MINTS_MAX)
        return item_wrong(reader, "too many mints", err);
    struct span *mints = arena_array(arena, struct span, list.number);
    for (uint64_t i = 0; i < list.number; i++)
        if (!item_read_text(reader, &mints[i], err))
            return false;
    demand->mints = mints;
    demand->mint_count = (uint32_t)list.number;
    return true;
}

static bool read_member(struct item_reader *reader, struct demand *demand, struct arena *arena,
                        struct err *err)
{
    struct span key;
    if (!item_read_text(reader, &key, err))
        return false;
    if (span_eq(key, SPAN("a")))
        return read_amount(reader, demand, err);
    if (span_eq(key, SPAN("s")))
        return read_once(reader, demand, err);
    if (span_eq(key, SPAN("m")))
        return read_mints(reader, demand, arena, err);
    struct span *word = span_eq(key, SPAN("i"))   ? &demand->id
                        : span_eq(key, SPAN("u")) ? &demand->unit
                        : span_eq(key, SPAN("d")) ? &demand->description
                                                  : NULL;
    return word != NULL ? item_read_text(reader, word, err) : item_skip(reader, err);
}

/* In either alphabet, with the padding or without it: all of them are met with. */
static bool decode(struct span *bytes, struct arena *arena, struct span text, struct err *err)
{
    size_t len;
    while (text.len > 0 && text.at[text.len - 1] == '=')
        text.len--;
    uint8_t *out = arena_alloc(arena, text.len + 1);
    char *plain = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        plain[i] = text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i];
    if (sodium_base642bin(out, text.len + 1, plain, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return err_set(err, ERR_INVALID, "a request for payment that is not base64url");
    *bytes = (struct span){(const char *)out, len};
    return true;
}

bool demand_read(struct demand *demand, struct arena *arena, struct span text, struct err *err)
{
    struct span bytes;
    struct item map;
    *demand = (struct demand){0};
    if (text.len < 5 || text.len > DEMAND_BYTES_MAX || memcmp(text.at, "creqA", 5) != 0)
        return err_set(err, ERR_INVALID, "expected a request for payment, creqA...");
    if (!decode(&bytes, arena, (struct span){text.at + 5, text.len - 5}, err))
        return false;
    struct item_reader reader = item_reader("a request for payment", bytes);
    if (!item_expect(&reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!read_member(&reader, demand, arena, err))
            return false;
    return reader.at == reader.end || item_wrong(&reader, "something behind it", err);
}
