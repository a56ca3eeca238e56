#include "client/item.h"
#include "client/token_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

static bool read_exactly(struct item_reader *reader, uint8_t *out, size_t size, struct err *err)
{
    struct item item;
    if (!item_expect(reader, ITEM_BYTES, &item, err))
        return false;
    if (item.bytes.len != size)
        return item_wrong(reader, "a number or a point of a wrong length", err);
    memcpy(out, item.bytes.at, size);
    return true;
}

static bool read_dleq(struct item_reader *reader, struct token_proof *proof, struct err *err)
{
    struct item map, key;
    int found = 0;
    if (!item_expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++) {
        struct bytes32 *out = NULL;
        if (!item_expect(reader, ITEM_TEXT, &key, err))
            return false;
        if (span_eq(key.bytes, SPAN("e")))
            out = &proof->dleq.e;
        else if (span_eq(key.bytes, SPAN("s")))
            out = &proof->dleq.s;
        else if (span_eq(key.bytes, SPAN("r")))
            out = &proof->factor;
        if (!(out != NULL ? read_exactly(reader, out->at, sizeof out->at, err)
                          : item_skip(reader, err)))
            return false;
        found += out != NULL;
    }
    proof->has_dleq = found == 3;
    return true;
}

static bool read_amount(struct item_reader *reader, struct token_proof *proof, struct err *err)
{
    struct item item;
    if (!item_expect(reader, ITEM_NUMBER, &item, err))
        return false;
    proof->amount = item.number;
    return true;
}

static bool read_proof(struct item_reader *reader, struct token_proof *proof, struct err *err)
{
    struct item map, key;
    if (!item_expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!item_expect(reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("a"))   ? read_amount(reader, proof, err)
              : span_eq(key.bytes, SPAN("s")) ? item_read_text(reader, &proof->secret, err)
              : span_eq(key.bytes, SPAN("c"))
                  ? read_exactly(reader, proof->c.at, sizeof proof->c.at, err)
              : span_eq(key.bytes, SPAN("d")) ? read_dleq(reader, proof, err)
              : span_eq(key.bytes, SPAN("w")) ? item_read_text(reader, &proof->witness, err)
                                              : item_skip(reader, err)))
            return false;
    return (proof->secret.len > 0 && proof->c.at[0] != 0) ||
           item_wrong(reader, "a proof without secret or signature", err);
}

static bool read_proofs(struct item_reader *reader, struct token *token, struct arena *arena,
                        struct err *err)
{
    struct item list;
    if (!item_expect(reader, ITEM_LIST, &list, err))
        return false;
    for (uint64_t i = 0; i < list.number; i++) {
        struct token_proof *proof = token_add_proof(token, arena, err);
        if (proof == NULL || !read_proof(reader, proof, err))
            return false;
    }
    return true;
}

/* The proofs of a keyset, whose id may stand behind them. */
static bool read_entry(struct item_reader *reader, struct token *token, struct arena *arena,
                       struct err *err)
{
    struct item map, key, id = {0};
    uint32_t first = token->count;
    if (!item_expect(reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!item_expect(reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("i"))   ? item_expect(reader, ITEM_BYTES, &id, err)
              : span_eq(key.bytes, SPAN("p")) ? read_proofs(reader, token, arena, err)
                                              : item_skip(reader, err)))
            return false;
    if (id.bytes.len == 0 || id.bytes.len > TOKEN_KEYSET_BYTES_MAX)
        return item_wrong(reader, "a keyset whose id is empty or too long", err);
    for (uint32_t i = first; i < token->count; i++) {
        struct token_proof *proof = &token->proofs[i];
        memcpy(proof->keyset, id.bytes.at, id.bytes.len);
        proof->keyset_len = (uint8_t)id.bytes.len;
    }
    return true;
}

static bool read_entries(struct item_reader *reader, struct token *token, struct arena *arena,
                         struct err *err)
{
    struct item list;
    if (!item_expect(reader, ITEM_LIST, &list, err))
        return false;
    for (uint64_t i = 0; i < list.number; i++)
        if (!read_entry(reader, token, arena, err))
            return false;
    return true;
}

bool token_read_cbor(struct token *token, struct arena *arena, struct span bytes, struct err *err)
{
    struct item_reader reader = item_reader("a token", bytes);
    struct item map, key;
    if (!item_expect(&reader, ITEM_MAP, &map, err))
        return false;
    for (uint64_t i = 0; i < map.number; i++)
        if (!item_expect(&reader, ITEM_TEXT, &key, err) ||
            !(span_eq(key.bytes, SPAN("t"))   ? read_entries(&reader, token, arena, err)
              : span_eq(key.bytes, SPAN("m")) ? item_read_text(&reader, &token->mint, err)
              : span_eq(key.bytes, SPAN("u")) ? item_read_text(&reader, &token->unit, err)
              : span_eq(key.bytes, SPAN("d")) ? item_read_text(&reader, &token->memo, err)
                                              : item_skip(&reader, err)))
            return false;
    return reader.at == reader.end || item_wrong(&reader, "something behind it", err);
}

static void add_bytes(struct text *out, struct span name, struct span bytes)
{
    item_write_text(out, name);
    item_write_bytes(out, bytes);
}

static void write_proof(struct text *out, const struct token_proof *proof)
{
    item_write_map(out, 3U + proof->has_dleq + (proof->witness.len > 0));
    item_write_text(out, SPAN("a"));
    item_write_number(out, proof->amount);
    item_write_text(out, SPAN("s"));
    item_write_text(out, proof->secret);
    add_bytes(out, SPAN("c"), SPAN_OF(proof->c));
    if (proof->has_dleq) {
        item_write_text(out, SPAN("d"));
        item_write_map(out, 3);
        add_bytes(out, SPAN("e"), SPAN_OF(proof->dleq.e));
        add_bytes(out, SPAN("s"), SPAN_OF(proof->dleq.s));
        add_bytes(out, SPAN("r"), SPAN_OF(proof->factor));
    }
    if (proof->witness.len > 0) {
        item_write_text(out, SPAN("w"));
        item_write_text(out, proof->witness);
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
    item_write_map(out, 2);
    add_bytes(out, SPAN("i"), (struct span){(const char *)proof->keyset, proof->keyset_len});
    item_write_text(out, SPAN("p"));
    item_write_list(out, count_same(token, first, token->count, first));
    for (uint32_t i = first; i < token->count; i++)
        if (is_same_keyset(&token->proofs[i], proof))
            write_proof(out, &token->proofs[i]);
}

void token_write_cbor(struct text *out, const struct token *token)
{
    uint32_t keysets = 0;
    for (uint32_t i = 0; i < token->count; i++)
        keysets += count_same(token, 0, i, i) == 0;
    item_write_map(out, 3U + (token->memo.len > 0));
    item_write_text(out, SPAN("t"));
    item_write_list(out, keysets);
    for (uint32_t i = 0; i < token->count; i++)
        if (count_same(token, 0, i, i) == 0)
            write_entry(out, token, i);
    if (token->memo.len > 0) {
        item_write_text(out, SPAN("d"));
        item_write_text(out, token->memo);
    }
    item_write_text(out, SPAN("m"));
    item_write_text(out, token->mint);
    item_write_text(out, SPAN("u"));
    item_write_text(out, token->unit);
}
