#include "client/stash.h"

#include <inttypes.h>

#include "client/token_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

/* ---- where there is credit ---- */

void stash_write_wallet(struct text *out, const struct stash_wallet *wallet)
{
    text_add(out, SPAN("["));
    if (wallet->has_key) {
        text_add(out, SPAN("[\"privkey\",\""));
        text_add_hex(out, wallet->key.at, sizeof wallet->key.at);
        text_add(out, SPAN("\"]"));
    }
    for (uint32_t i = 0; i < wallet->mint_count; i++) {
        text_add(out, i > 0 || wallet->has_key ? SPAN(",[\"mint\",") : SPAN("[\"mint\","));
        text_add_json(out, wallet->mints[i]);
        text_add(out, SPAN("]"));
    }
    text_add(out, SPAN("]"));
}

/* A list of a name and what it says; of others the rest is skipped. */
static bool read_pair(struct stash_wallet *wallet, struct span *mints, struct scan *scan,
                      struct arena *arena, struct err *err)
{
    struct scan_list list;
    struct span name, url;
    if (!scan_array(scan, &list, err) || !scan_text(scan, arena, &name, err) ||
        !scan_next(scan, &list, err))
        return false;
    if (list.more && span_eq(name, SPAN("privkey"))) {
        wallet->has_key = true;
        if (!scan_hex(scan, arena, wallet->key.at, sizeof wallet->key.at, err) ||
            !scan_next(scan, &list, err))
            return false;
    } else if (list.more && span_eq(name, SPAN("mint"))) {
        if (!scan_text(scan, arena, &url, err) || !scan_next(scan, &list, err))
            return false;
        if (wallet->mint_count == STASH_MINTS_MAX || url.len > STASH_URL_MAX)
            return err_set(err, ERR_INVALID, "a wallet of over %d mints, or of a long one",
                           STASH_MINTS_MAX);
        mints[wallet->mint_count++] = url;
    }
    while (list.more)
        if (!scan_skip(scan, err) || !scan_next(scan, &list, err))
            return false;
    return true;
}

bool stash_read_wallet(struct stash_wallet *wallet, struct arena *arena, struct span json,
                       struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span *mints = arena_array(arena, struct span, STASH_MINTS_MAX);
    *wallet = (struct stash_wallet){.mints = mints};
    if (!scan_array(&scan, &list, err))
        return false;
    while (list.more)
        if (!read_pair(wallet, mints, &scan, arena, err) || !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err);
}

/* ---- coins ---- */

static void write_hex(struct text *out, const char *name, const void *bytes, size_t len)
{
    text_addf(out, "\"%s\":\"", name);
    text_add_hex(out, bytes, len);
    text_add(out, SPAN("\""));
}

static void write_proof(struct text *out, const struct token_proof *proof)
{
    text_addf(out, "{\"amount\":%" PRIu64 ",", proof->amount);
    write_hex(out, "id", proof->keyset, proof->keyset_len);
    text_add(out, SPAN(",\"secret\":"));
    text_add_json(out, proof->secret);
    text_add(out, SPAN(","));
    write_hex(out, "C", proof->c.at, sizeof proof->c.at);
    if (proof->witness.len > 0) {
        text_add(out, SPAN(",\"witness\":"));
        text_add_json(out, proof->witness);
    }
    if (proof->has_dleq) {
        text_add(out, SPAN(",\"dleq\":{"));
        write_hex(out, "e", proof->dleq.e.at, sizeof proof->dleq.e.at);
        text_add(out, SPAN(","));
        write_hex(out, "s", proof->dleq.s.at, sizeof proof->dleq.s.at);
        text_add(out, SPAN(","));
        write_hex(out, "r", proof->factor.at, sizeof proof->factor.at);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("}"));
}

void stash_write_coins(struct text *out, const struct stash_coins *coins)
{
    text_add(out, SPAN("{\"mint\":"));
    text_add_json(out, coins->token.mint);
    text_add(out, SPAN(",\"unit\":"));
    text_add_json(out, coins->token.unit);
    text_add(out, SPAN(",\"proofs\":["));
    for (uint32_t i = 0; i < coins->token.count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        write_proof(out, &coins->token.proofs[i]);
    }
    text_add(out, SPAN("],\"del\":["));
    for (uint32_t i = 0; i < coins->gone_count; i++) {
        text_add(out, i > 0 ? SPAN(",\"") : SPAN("\""));
        text_add_hex(out, coins->gone[i].at, sizeof coins->gone[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]}"));
}

static bool read_gone(struct stash_coins *coins, struct scan *scan, struct arena *arena,
                      struct err *err)
{
    struct bytes32 *gone = arena_array(arena, struct bytes32, STASH_GONE_MAX);
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    coins->gone = gone;
    coins->gone_count = 0;
    while (list.more) {
        if (coins->gone_count == STASH_GONE_MAX)
            return err_set(err, ERR_INVALID, "coins in the place of over %d events",
                           STASH_GONE_MAX);
        if (!scan_hex(scan, arena, gone[coins->gone_count++].at, sizeof gone->at, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

/* Any value, as it stands there. */
static bool read_raw(struct span *out, struct scan *scan, struct err *err)
{
    (void)scan_peek(scan);
    const char *at = scan->at;
    if (!scan_skip(scan, err))
        return false;
    *out = (struct span){at, (size_t)(scan->at - at)};
    return true;
}

bool stash_read_coins(struct stash_coins *coins, struct arena *arena, struct span json,
                      struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key, mint = {0}, unit = {0}, proofs = {0};
    struct text text = {0};
    *coins = (struct stash_coins){0};
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) ||
            !(span_eq(key, SPAN("mint"))     ? read_raw(&mint, &scan, err)
              : span_eq(key, SPAN("unit"))   ? read_raw(&unit, &scan, err)
              : span_eq(key, SPAN("proofs")) ? read_raw(&proofs, &scan, err)
              : span_eq(key, SPAN("del"))    ? read_gone(coins, &scan, arena, err)
                                             : scan_skip(&scan, err)) ||
            !scan_next(&scan, &list, err))
            return false;
    if (!scan_end(&scan, err))
        return false;
    if (mint.len == 0 || proofs.len == 0)
        return err_set(err, ERR_INVALID, "coins of no mint, or none");
    /* As a token of the first version has them. NIP-60: a unit that is missing is sat. */
    text_addf(&text, "{\"token\":[{\"mint\":%.*s,\"proofs\":%.*s}],\"unit\":%.*s}", SPAN_ARG(mint),
              SPAN_ARG(proofs), SPAN_ARG(unit.len > 0 ? unit : SPAN("\"sat\"")));
    struct span whole = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return token_read_json(&coins->token, arena, whole, err);
}

/* ---- what was moved ---- */

static void write_mark(struct text *out, const struct bytes32 *id, const char *mark)
{
    text_add(out, SPAN(",[\"e\",\""));
    text_add_hex(out, id->at, sizeof id->at);
    text_addf(out, "\",\"\",\"%s\"]", mark);
}

void stash_write_move(struct text *out, const struct stash_move *move)
{
    text_addf(out, "[[\"direction\",\"%s\"],[\"amount\",\"%" PRIu64 "\"],[\"unit\",",
              move->is_in ? "in" : "out", move->amount);
    text_add_json(out, move->unit);
    text_add(out, SPAN("]"));
    if (move->made != NULL)
        write_mark(out, move->made, "created");
    for (uint32_t i = 0; i < move->gone_count; i++)
        write_mark(out, &move->gone[i], "destroyed");
    text_add(out, SPAN("]"));
}
