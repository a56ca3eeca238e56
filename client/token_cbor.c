#include <cbor.h>

#include "client/token_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum item_type { ITEM_NUMBER, ITEM_BYTES, ITEM_TEXT, ITEM_LIST, ITEM_MAP, ITEM_OTHER };

/* The head of what comes next; of bytes and text, all of it. */
struct item {
    enum item_type type;
    uint64_t number; /* or how many are in a list or a map */
    struct span bytes;
};

struct reader {
    const uint8_t *start, *at, *end;
};

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

static void on_list(void *owner, size_t count)
{
    *(struct item *)owner = (struct item){.type = ITEM_LIST, .number = count};
}

static void on_map(void *owner, size_t count)
{
    *(struct item *)owner = (struct item){.type = ITEM_MAP, .number = count};
}

static bool wrong(const struct reader *reader, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "a token with %s at byte %td", what,
                   reader->at - reader->start);
}

/* Lists and maps of no stated length, tags and fractions are ITEM_OTHER: no wallet writes them. */
static bool next(struct reader *reader, struct item *item, struct err *err)
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
    *item = (struct item){.type = ITEM_OTHER};
    struct cbor_decoder_result result =
        cbor_stream_decode(reader->at, (size_t)(reader->end - reader->at), &callbacks, item);
    if (result.status != CBOR_DECODER_FINISHED)
        return wrong(reader, "broken CBOR", err);
    reader->at += result.read;
    bool is_nest = item->type == ITEM_LIST || item->type == ITEM_MAP;
    return !is_nest || item->number <= (uint64_t)(reader->end - reader->at) ||
           wrong(reader, "fewer parts than it says", err);
}

static bool expect(struct reader *reader, enum item_type type, struct item *item, struct err *err)
{
    static const char *const names[] = {"no number", "no bytes", "no text", "no list", "no map"};
    const uint8_t *at = reader->at;
    if (!next(reader, item, err))
        return false;
    if (item->type == type)
        return true;
    reader->at = at;
    return wrong(reader, names[type], err);
}

static bool skip(struct reader *reader, struct err *err)
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

static bool read_exactly(struct reader *reader, uint8_t *out, size_t size, struct err *err)
{
    struct item item;
    if (!expect(reader, ITEM_BYTES, &item, err))
        return false;
    if (item.bytes.len != size)
        return wrong(reader, "a number or a point of a wrong length", err);
    memcpy(out, item.bytes.at, size);
    return true;
}

static bool read_text(struct reader *reader, struct span *out, struct err *err)
{
    struct item item;
    if (!expect(reader, ITEM_TEXT, &item, err))
        return false;
    *out = item.bytes;
    return true;
}

static bool read_dleq(struct reader *reader, struct token_proof *proof, struct err *err)
{
    struct item map, key;
    int found = 0;
    if (!expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++) {
        struct bytes32 *out = NULL;
        if (!expect(reader, ITEM_TEXT, &key, err))
            return false;
        if (span_eq(key.bytes, SPAN("e")))
            out = &proof->dleq.e;
        else if (span_eq(key.bytes, SPAN("s")))
            out = &proof->dleq.s;
        else if (span_eq(key.bytes, SPAN("r")))
            out = &proof->factor;
        if (!(out != NULL ? read_exactly(reader, out->at, sizeof out->at, err) : skip(reader, err)))
            return false;
        found += out != NULL;
    }
    proof->has_dleq = found == 3;
    return true;
}

static bool read_amount(struct reader *reader, struct token_proof *proof, struct err *err)
{
    struct item item;
    if (!expect(reader, ITEM_NUMBER, &item, err))
        return false;
    proof->amount = item.number;
    return true;
}

static bool read_proof(struct reader *reader, struct token_proof *proof, struct err *err)
{
    struct item map, key;
    if (!expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!expect(reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("a"))   ? read_amount(reader, proof, err)
              : span_eq(key.bytes, SPAN("s")) ? read_text(reader, &proof->secret, err)
              : span_eq(key.bytes, SPAN("c"))
                  ? read_exactly(reader, proof->c.at, sizeof proof->c.at, err)
              : span_eq(key.bytes, SPAN("d")) ? read_dleq(reader, proof, err)
              : span_eq(key.bytes, SPAN("w")) ? read_text(reader, &proof->witness, err)
                                              : skip(reader, err)))
            return false;
    return (proof->secret.len > 0 && proof->c.at[0] != 0) ||
           wrong(reader, "a proof without secret or signature", err);
}

static bool read_proofs(struct reader *reader, struct token *token, struct arena *arena,
                        struct err *err)
{
    struct item list;
    if (!expect(reader, ITEM_LIST, &list, err))
        return false;
    for (uint64_t i = 0; i < list.number; i++) {
        struct token_proof *proof = token_add_proof(token, arena, err);
        if (proof == NULL || !read_proof(reader, proof, err))
            return false;
    }
    return true;
}

/* The proofs of a keyset, whose id may stand behind them. */
static bool read_entry(struct reader *reader, struct token *token, struct arena *arena,
                       struct err *err)
{
    struct item map, key, id = {0};
    uint32_t first = token->count;
    if (!expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!expect(reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("i"))   ? expect(reader, ITEM_BYTES, &id, err)
              : span_eq(key.bytes, SPAN("p")) ? read_proofs(reader, token, arena, err)
                                              : skip(reader, err)))
            return false;
    if (id.bytes.len == 0 || id.bytes.len > TOKEN_KEYSET_BYTES_MAX)
        return wrong(reader, "a keyset whose id is empty or too long", err);
    for (uint32_t i = first; i < token->count; i++) {
        struct token_proof *proof = &token->proofs[i];
        memcpy(proof->keyset, id.bytes.at, id.bytes.len);
        proof->keyset_len = (uint8_t)id.bytes.len;
    }
    return true;
}

static bool read_entries(struct reader *reader, struct token *token, struct arena *arena,
                         struct err *err)
{
    struct item list;
    if (!expect(reader, ITEM_LIST, &list, err))
        return false;
    for (uint64_t i = 0; i < list.number; i++)
        if (!read_entry(reader, token, arena, err))
            return false;
    return true;
}

bool token_read_cbor(struct token *token, struct arena *arena, struct span bytes, struct err *err)
{
    const uint8_t *start = (const uint8_t *)bytes.at;
    struct reader reader = {start, start, start + bytes.len};
    struct item map, key;
    if (!expect(&reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!expect(&reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("t"))   ? read_entries(&reader, token, arena, err)
              : span_eq(key.bytes, SPAN("m")) ? read_text(&reader, &token->mint, err)
              : span_eq(key.bytes, SPAN("u")) ? read_text(&reader, &token->unit, err)
              : span_eq(key.bytes, SPAN("d")) ? read_text(&reader, &token->memo, err)
                                              : skip(&reader, err)))
            return false;
    return reader.at == reader.end || wrong(&reader, "something behind it", err);
}

typedef size_t encode_fn(size_t value, unsigned char *out, size_t room);

static void add_head(struct text *out, encode_fn *encode, size_t value)
{
    enum { HEAD_BYTES_MAX = 9 };
    out->len += encode(value, (unsigned char *)text_reserve(out, HEAD_BYTES_MAX), HEAD_BYTES_MAX);
}

static void add_text(struct text *out, struct span text)
{
    add_head(out, cbor_encode_string_start, text.len);
    text_add(out, text);
}

static void add_bytes(struct text *out, struct span name, struct span bytes)
{
    add_text(out, name);
    add_head(out, cbor_encode_bytestring_start, bytes.len);
    text_add(out, bytes);
}

static void write_proof(struct text *out, const struct token_proof *proof)
{
    add_head(out, cbor_encode_map_start, 3U + proof->has_dleq + (proof->witness.len > 0));
    add_text(out, SPAN("a"));
    add_head(out, cbor_encode_uint, proof->amount);
    add_text(out, SPAN("s"));
    add_text(out, proof->secret);
    add_bytes(out, SPAN("c"), SPAN_OF(proof->c));
    if (proof->has_dleq) {
        add_text(out, SPAN("d"));
        add_head(out, cbor_encode_map_start, 3);
        add_bytes(out, SPAN("e"), SPAN_OF(proof->dleq.e));
        add_bytes(out, SPAN("s"), SPAN_OF(proof->dleq.s));
        add_bytes(out, SPAN("r"), SPAN_OF(proof->factor));
    }
    if (proof->witness.len > 0) {
        add_text(out, SPAN("w"));
        add_text(out, proof->witness);
    }
}

static bool is_same_keyset(const struct token_proof *a, const struct token_proof *b)
{
    return a->keyset_len == b->keyset_len && memcmp(a->keyset, b->keyset, a->keyset_len) == 0;
}

/* How many before it have its keyset. */
static uint32_t count_same(const struct token *token, uint32_t begin, uint32_t end, uint32_t like)
{
    uint32_t count = 0;
    for (uint32_t i = begin; i < end; i++)
        count += is_same_keyset(&token->proofs[i], &token->proofs[like]);
    return count;
}

static void write_entry(struct text *out, const struct token *token, uint32_t first)
{
    const struct token_proof *proof = &token->proofs[first];
    add_head(out, cbor_encode_map_start, 2);
    add_bytes(out, SPAN("i"), (struct span){(const char *)proof->keyset, proof->keyset_len});
    add_text(out, SPAN("p"));
    add_head(out, cbor_encode_array_start, count_same(token, first, token->count, first));
    for (uint32_t i = first; i < token->count; i++)
        if (is_same_keyset(&token->proofs[i], proof))
            write_proof(out, &token->proofs[i]);
}

void token_write_cbor(struct text *out, const struct token *token)
{
    uint32_t keysets = 0;
    for (uint32_t i = 0; i < token->count; i++)
        keysets += count_same(token, 0, i, i) == 0;
    add_head(out, cbor_encode_map_start, 3U + (token->memo.len > 0));
    add_text(out, SPAN("t"));
    add_head(out, cbor_encode_array_start, keysets);
    for (uint32_t i = 0; i < token->count; i++)
        if (count_same(token, 0, i, i) == 0)
            write_entry(out, token, i);
    if (token->memo.len > 0) {
        add_text(out, SPAN("d"));
        add_text(out, token->memo);
    }
    add_text(out, SPAN("m"));
    add_text(out, token->mint);
    add_text(out, SPAN("u"));
    add_text(out, token->unit);
}
