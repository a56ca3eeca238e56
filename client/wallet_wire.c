/* What is asked of a mint, and the small answers. */
#include "client/wallet_wire.h"

#include <inttypes.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"

/* ---- asking ---- */

static void write_hex(struct text *out, const char *name, const uint8_t *bytes, size_t size)
{
    text_addf(out, ",\"%s\":\"", name);
    text_add_hex(out, bytes, size);
    text_add(out, SPAN("\""));
}

void wallet_write_inputs(struct text *out, const struct token_proof *proofs, size_t count)
{
    text_add(out, SPAN("\"inputs\":["));
    for (size_t i = 0; i < count; i++) {
        const struct token_proof *proof = &proofs[i];
        text_addf(out, "%s{\"amount\":%" PRIu64, i > 0 ? "," : "", proof->amount);
        write_hex(out, "id", proof->keyset, proof->keyset_len);
        text_add(out, SPAN(",\"secret\":"));
        text_add_json(out, proof->secret);
        write_hex(out, "C", proof->c.at, sizeof proof->c.at);
        if (proof->witness.len > 0) {
            text_add(out, SPAN(",\"witness\":"));
            text_add_json(out, proof->witness);
        }
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("]"));
}

void wallet_write_outputs(struct text *out, const struct bytes33 *keyset,
                          const struct wallet_output *outputs, size_t count)
{
    text_add(out, SPAN("\"outputs\":["));
    for (size_t i = 0; i < count; i++) {
        text_addf(out, "%s{\"amount\":%" PRIu64, i > 0 ? "," : "", outputs[i].amount);
        write_hex(out, "id", keyset->at, sizeof keyset->at);
        write_hex(out, "B_", outputs[i].message.at, sizeof outputs[i].message.at);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("]"));
}

void wallet_write_points(struct text *out, const struct bytes33 *points, size_t count)
{
    text_add(out, SPAN("{\"Ys\":["));
    for (size_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",\"") : SPAN("\""));
        text_add_hex(out, points[i].at, sizeof points[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]}"));
}

/* ---- quotes and refusals ---- */

static bool read_number(struct scan *scan, int64_t *out, struct err *err)
{
    *out = 0;
    return scan_peek(scan) == 'n' ? scan_skip(scan, err) : scan_integer(scan, out, INT64_MAX, err);
}

/* Of a member that may be null. */
static bool read_word(struct scan *scan, struct arena *arena, struct span *out, struct err *err)
{
    return scan_peek(scan) == '"' ? scan_text(scan, arena, out, err) : scan_skip(scan, err);
}

static bool read_quote_item(struct wallet_quote *quote, struct scan *scan, struct arena *arena,
                            struct span key, struct err *err)
{
    int64_t number;
    struct span *const word = span_eq(key, SPAN("quote"))              ? &quote->id
                              : span_eq(key, SPAN("unit"))             ? &quote->unit
                              : span_eq(key, SPAN("request"))          ? &quote->request
                              : span_eq(key, SPAN("state"))            ? &quote->state
                              : span_eq(key, SPAN("payment_preimage")) ? &quote->proof
                                                                       : NULL;
    uint64_t *const amount = span_eq(key, SPAN("amount"))        ? &quote->amount
                             : span_eq(key, SPAN("fee_reserve")) ? &quote->fee_reserve
                                                                 : NULL;
    if (word != NULL)
        return read_word(scan, arena, word, err);
    if (span_eq(key, SPAN("expiry")))
        return read_number(scan, &quote->expiry, err);
    if (amount == NULL)
        return scan_skip(scan, err);
    if (!read_number(scan, &number, err))
        return false;
    *amount = (uint64_t)number;
    return true;
}

bool wallet_read_quote(struct wallet_quote *quote, struct arena *arena, struct span json,
                       struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *quote = (struct wallet_quote){0};
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) || !read_quote_item(quote, &scan, arena, key, err) ||
            !scan_next(&scan, &list, err))
            return false;
    if (!scan_end(&scan, err))
        return false;
    return (quote->id.len > 0 && quote->id.len <= WALLET_WORD_MAX) ||
           err_set(err, ERR_INVALID, "a quote without an id");
}

static bool read_refusal(struct wallet_refusal *refusal, struct arena *arena, struct scan *scan)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(scan, &list, NULL))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, NULL))
            return false;
        bool ok = span_eq(key, SPAN("detail")) ? read_word(scan, arena, &refusal->detail, NULL)
                  : span_eq(key, SPAN("code")) ? read_number(scan, &refusal->code, NULL)
                                               : scan_skip(scan, NULL);
        if (!ok || !scan_next(scan, &list, NULL))
            return false;
    }
    return scan_end(scan, NULL);
}

void wallet_read_refusal(struct wallet_refusal *refusal, struct arena *arena, struct span json)
{
    struct scan scan = scan_begin(json);
    *refusal = (struct wallet_refusal){0};
    if (!read_refusal(refusal, arena, &scan) || refusal->detail.len == 0)
        *refusal = (struct wallet_refusal){.detail = SPAN("the mint refuses and does not say why"),
                                           .code = refusal->code};
}

/* ---- states ---- */

struct state_item {
    struct bytes33 point;
    enum wallet_state state;
    bool has_point, has_state;
};

static bool read_state(struct state_item *item, struct scan *scan, struct arena *arena,
                       struct err *err)
{
    struct span word;
    if (!scan_text(scan, arena, &word, err))
        return false;
    item->has_state = true;
    if (span_eq(word, SPAN("UNSPENT")))
        item->state = WALLET_UNSPENT;
    else if (span_eq(word, SPAN("PENDING")))
        item->state = WALLET_PENDING;
    else if (span_eq(word, SPAN("SPENT")))
        item->state = WALLET_SPENT;
    else
        return err_set(err, ERR_INVALID, "an unknown state '%s'", scan_word(word).at);
    return true;
}

static bool read_state_item(struct state_item *item, struct scan *scan, struct arena *arena,
                            struct err *err)
{
    struct scan_list list;
    struct span key;
    *item = (struct state_item){0};
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, err))
            return false;
        bool is_point = span_eq(key, SPAN("Y"));
        bool ok = is_point ? scan_hex(scan, arena, item->point.at, sizeof item->point.at, err)
                  : span_eq(key, SPAN("state")) ? read_state(item, scan, arena, err)
                                                : scan_skip(scan, err);
        if (!ok || !scan_next(scan, &list, err))
            return false;
        item->has_point = item->has_point || is_point;
    }
    return (item->has_point && item->has_state) ||
           err_set(err, ERR_INVALID, "a state that says not of what, or not which");
}

static bool read_states(enum wallet_state *states, const struct bytes33 *points, size_t count,
                        struct arena *arena, struct scan *scan, struct err *err)
{
    struct scan_list list;
    struct state_item item;
    size_t at = 0;
    if (!scan_array(scan, &list, err))
        return false;
    for (; list.more; at++) {
        if (at == count)
            return err_set(err, ERR_INVALID, "more states than were asked for");
        if (!read_state_item(&item, scan, arena, err) || !scan_next(scan, &list, err))
            return false;
        if (memcmp(&item.point, &points[at], sizeof item.point) != 0)
            return err_set(err, ERR_INVALID, "the state of something else than was asked for");
        states[at] = item.state;
    }
    return at == count || err_set(err, ERR_INVALID, "fewer states than were asked for");
}

bool wallet_read_states(enum wallet_state *states, const struct bytes33 *points, size_t count,
                        struct span json, struct err *err)
{
    struct arena arena = {0};
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    bool has = false;
    bool ok = scan_object(&scan, &list, err);
    while (ok && list.more) {
        ok = scan_key(&scan, &arena, &key, err);
        bool is_it = ok && span_eq(key, SPAN("states"));
        ok = ok &&
             (is_it ? read_states(states, points, count, &arena, &scan, err)
                    : scan_skip(&scan, err)) &&
             scan_next(&scan, &list, err);
        has = has || is_it;
    }
    ok = ok && scan_end(&scan, err);
    arena_clear(&arena);
    return ok && (has || err_set(err, ERR_INVALID, "an answer without states"));
}
