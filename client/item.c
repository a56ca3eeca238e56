#include "client/item.h"

#include <cbor.h>

#include "shared/err.h"
#include "shared/text.h"

static void on_uint8(void *owner, uint8_t value)
{
    *(struct item *)owner = (struct item){.type = ITEM_NUMBER, .number = value};
}

static void on_uint16(void *owner, uint16_t value)
{
    *(struct item *)owner = (struct item){.type = ITEM_NUMBER, .number = value};
}

static void on_uint32(void *owner, uint32_t value)
{
    *(struct item *)owner = (struct item){.type = ITEM_NUMBER, .number = value};
}

static void on_uint64(void *owner, uint64_t value)
{
    *(struct item *)owner = (struct item){.type = ITEM_NUMBER, .number = value};
}

static void on_bytes(void *owner, cbor_data at, size_t len)
{
    *(struct item *)owner = (struct item){.type = ITEM_BYTES, .bytes = {(const char *)at, len}};
}

static void on_text(void *owner, cbor_data at, size_t len)
{
    *(struct item *)owner = (struct item){.type = ITEM_TEXT, .bytes = {(const char *)at, len}};
}

static void on_flag(void *owner, bool is_set)
{
    *(struct item *)owner = (struct item){.type = ITEM_FLAG, .number = is_set};
}

static void on_list(void *owner, size_t count)
{
    *(struct item *)owner = (struct item){.type = ITEM_LIST, .number = count};
}

static void on_map(void *owner, size_t count)
{
    *(struct item *)owner = (struct item){.type = ITEM_MAP, .number = count};
}

struct item_reader item_reader(const char *name, struct span bytes)
{
    const uint8_t *start = (const uint8_t *)bytes.at;
    return (struct item_reader){name, start, start, start + bytes.len};
}

bool item_wrong(const struct item_reader *reader, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s with %s at byte %td", reader->name, what,
                   reader->at - reader->start);
}

static bool next(struct item_reader *reader, struct item *item, struct err *err)
{
    struct cbor_callbacks callbacks = cbor_empty_callbacks;
    callbacks.uint8 = on_uint8;
    callbacks.uint16 = on_uint16;
    callbacks.uint32 = on_uint32;
    callbacks.uint64 = on_uint64;
    callbacks.byte_string = on_bytes;
    callbacks.string = on_text;
    callbacks.array_start = on_list;
    callbacks.map_start = on_map;
    callbacks.boolean = on_flag;
    *item = (struct item){.type = ITEM_OTHER};
    struct cbor_decoder_result result =
        cbor_stream_decode(reader->at, (size_t)(reader->end - reader->at), &callbacks, item);
    if (result.status != CBOR_DECODER_FINISHED)
        return item_wrong(reader, "broken CBOR", err);
    reader->at += result.read;
    bool is_nest = item->type == ITEM_LIST || item->type == ITEM_MAP;
    return !is_nest || item->number <= (uint64_t)(reader->end - reader->at) ||
           item_wrong(reader, "fewer parts than it says", err);
}

bool item_expect(struct item_reader *reader, enum item_type type, struct item *item,
                 struct err *err)
{
    static const char *const names[] = {"no number", "no bytes", "no text",
                                        "no list",   "no map",   "no flag"};
    const uint8_t *at = reader->at;
    if (!next(reader, item, err))
        return false;
    if (item->type == type)
        return true;
    reader->at = at;
    return item_wrong(reader, names[type], err);
}

bool item_skip(struct item_reader *reader, struct err *err)
{
    struct item item;
    for (uint64_t left = 1; left > 0; left--) {
        if (!next(reader, &item, err))
            return false;
        if (item.type == ITEM_LIST || item.type == ITEM_MAP)
            left += item.type == ITEM_MAP ? 2 * item.number : item.number;
    }
    return true;
}

bool item_read_text(struct item_reader *reader, struct span *out, struct err *err)
{
    struct item item;
    if (!item_expect(reader, ITEM_TEXT, &item, err))
        return false;
    *out = item.bytes;
    return true;
}

typedef size_t encode_fn(size_t value, unsigned char *out, size_t room);

static void add_head(struct text *out, encode_fn *encode, size_t value)
{
    enum { HEAD_BYTES_MAX = 9 };
    out->len += encode(value, (unsigned char *)text_reserve(out, HEAD_BYTES_MAX), HEAD_BYTES_MAX);
}

void item_write_number(struct text *out, uint64_t number)
{
    add_head(out, cbor_encode_uint, number);
}

void item_write_flag(struct text *out, bool is_set)
{
    out->len += cbor_encode_bool(is_set, (unsigned char *)text_reserve(out, 1), 1);
}

void item_write_text(struct text *out, struct span text)
{
    add_head(out, cbor_encode_string_start, text.len);
    text_add(out, text);
}

void item_write_bytes(struct text *out, struct span bytes)
{
    add_head(out, cbor_encode_bytestring_start, bytes.len);
    text_add(out, bytes);
}

void item_write_list(struct text *out, size_t count)
{
    add_head(out, cbor_encode_array_start, count);
}

void item_write_map(struct text *out, size_t count)
{
    add_head(out, cbor_encode_map_start, count);
}
