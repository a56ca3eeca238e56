/* Credit from a mint: given away, or to be paid for. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "client/secret.h"
#include "client/trade_parts.h"
#include "shared/scan.h"
#include "shared/sig.h"

/* WORK_BITS_MAX: a minute or two of hashing; a mint may not keep us busy for longer. */
enum { WORK_BITS_MAX = 28, STAGES = 4, TRADES_MAX = 1000, PATH_MAX_BYTES = 64 };

struct info {
    struct bytes33 key;
    bool has_key;
    int64_t bits;
    uint64_t stages[STAGES];
};

static bool read_stages(struct info *info, struct scan *scan, struct err *err)
{
    struct scan_list list;
    int64_t amount;
    size_t at = 0;
    if (!scan_array(scan, &list, err))
        return false;
    for (; list.more; at++)
        if (at == STAGES || !scan_integer(scan, &amount, INT64_MAX, err) ||
            !scan_next(scan, &list, err))
            return err_set(err, ERR_INVALID, "the mint's stages are not four numbers");
        else
            info->stages[at] = (uint64_t)amount;
    return true;
}

/* What is done with a member of an object. */
typedef bool member_fn(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                       struct err *err);

static bool each_member(struct info *info, struct scan *scan, struct arena *arena, member_fn *fn,
                        struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(scan, arena, &key, err) || !fn(info, scan, arena, key, err) ||
            !scan_next(scan, &list, err))
            return false;
    return true;
}

static bool read_option(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                        struct err *err)
{
    (void)arena;
    if (span_eq(key, SPAN("pow_bits")))
        return scan_integer(scan, &info->bits, INT64_MAX, err);
    return span_eq(key, SPAN("stages")) ? read_stages(info, scan, err) : scan_skip(scan, err);
}

static bool read_method(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                        struct err *err)
{
    return span_eq(key, SPAN("options")) && scan_peek(scan) == '{'
               ? each_member(info, scan, arena, read_option, err)
               : scan_skip(scan, err);
}

static bool read_issue(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                       struct err *err)
{
    struct scan_list list;
    if (!span_eq(key, SPAN("methods")))
        return scan_skip(scan, err);
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more)
        if (!each_member(info, scan, arena, read_method, err) || !scan_next(scan, &list, err))
            return false;
    return true;
}

static bool read_nut(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                     struct err *err)
{
    return span_eq(key, SPAN("4")) ? each_member(info, scan, arena, read_issue, err)
                                   : scan_skip(scan, err);
}

static bool read_info(struct info *info, struct scan *scan, struct arena *arena, struct span key,
                      struct err *err)
{
    if (span_eq(key, SPAN("nuts")))
        return each_member(info, scan, arena, read_nut, err);
    if (!span_eq(key, SPAN("pubkey")))
        return scan_skip(scan, err);
    info->has_key = scan_hex(scan, arena, info->key.at, sizeof info->key.at, err);
    return info->has_key;
}

static bool get_info(const struct trade *trade, struct info *info, struct err *err)
{
    struct arena arena = {0};
    struct span answer;
    *info = (struct info){0};
    bool ok = trade_get(trade, &answer, &arena, "/v1/info", (struct span){0}, err);
    struct scan scan = scan_begin(answer);
    ok = ok && each_member(info, &scan, &arena, read_info, err) &&
         (info->has_key || err_set(err, ERR_INVALID, "the mint does not say its key")) &&
         (info->bits <= WORK_BITS_MAX ||
          err_set(err, ERR_INVALID,
                  "the mint wants 2^%" PRId64 " hashes for a grant: over 2^%d are not done",
                  info->bits, WORK_BITS_MAX)) &&
         (info->stages[0] > 0 || err_set(err, ERR_INVALID, "the mint grants nothing"));
    arena_clear(&arena);
    return ok;
}

/* The key that a mint's grants are for: the same each time, and of no other mint. */
static void grant_key(struct bytes32 *secret, const struct trade *trade, const struct bytes33 *mint)
{
    static const char name[] = "Shoal_Wallet_Grant_v1";
    crypto_auth_hmacsha256_state state;
    const struct bytes64 *seed = purse_seed(trade->purse);
    crypto_auth_hmacsha256_init(&state, seed->at, sizeof seed->at);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha256_update(&state, mint->at, sizeof mint->at);
    crypto_auth_hmacsha256_final(&state, secret->at);
    secret_wipe(&state, sizeof state);
}

static uint32_t zero_bits(const struct bytes32 *hash)
{
    uint32_t bits = 0;
    while (bits < 8 * sizeof hash->at && (hash->at[bits / 8] >> (7 - bits % 8) & 1) == 0)
        bits++;
    return bits;
}

/* A number for which the hash begins with as many zero bits as the mint wants. */
static uint64_t find_nonce(const struct info *info, const struct bytes33 *key, uint32_t stage)
{
    struct text text = {0};
    uint64_t nonce = 0;
    text_add(&text, SPAN("Shoal_Grant_v1:"));
    text_add_hex(&text, info->key.at, sizeof info->key);
    text_add(&text, SPAN(":"));
    text_add_hex(&text, key->at, sizeof *key);
    text_addf(&text, ":%" PRIu32 ":", stage);
    for (size_t begin = text.len;; nonce++) {
        text.len = begin;
        text_addf(&text, "%" PRIu64, nonce);
        struct bytes32 hash = sig_sha256(text_span(&text));
        if (zero_bits(&hash) >= info->bits)
            break;
    }
    text_clear(&text);
    return nonce;
}

/* A job that was paid for here, and what the mint gave for it. */
static bool find_job(const struct trade *trade, struct text *body, uint32_t stage, struct err *err)
{
    struct arena arena = {0};
    const struct purse_view view = {.mint = trade->mint.number, .max = TRADES_MAX};
    struct purse_trades trades;
    uint32_t skipped = 2; /* each stage wants another job */
    bool ok = purse_trades(trade->purse, &trades, &arena, &view, err), has = false;
    for (size_t i = ok ? trades.count : 0; !has && i > 0; i--) {
        const struct purse_trade *known = &trades.at[i - 1];
        if (known->kind != PURSE_MELT || known->state != PURSE_DONE || known->note.len == 0)
            continue;
        if (skipped++ < stage)
            continue;
        has = true;
        text_add(body, SPAN(",\"job\":"));
        text_add_json(body, known->quote);
        text_add(body, SPAN(",\"receipt\":"));
        text_add_json(body, known->note);
    }
    arena_clear(&arena);
    return ok &&
           (has || err_set(err, ERR_INVALID, "stage %" PRIu32 " wants a job paid for here", stage));
}

static bool ask_grant(const struct trade *trade, struct arena *arena, struct wallet_quote *quote,
                      const struct text *body, struct err *err)
{
    struct span answer;
    if (!trade_get(trade, &answer, arena, "/v1/mint/quote/grant", text_span(body), err) ||
        !wallet_read_quote(quote, arena, answer, err))
        return false;
    if (span_eq(quote->state, SPAN("ISSUED")))
        return err_set(err, ERR_INVALID, "this stage was granted before");
    return span_eq(quote->state, SPAN("PAID")) ||
           err_set(err, ERR_INVALID, "the mint does not grant it");
}

/* From the quote to the coins; once more where another device had the same ones signed. */
static bool collect(const struct trade *trade, struct arena *arena, int64_t number, struct err *err)
{
    struct purse_request request;
    int64_t code;
    return purse_begin_mint(trade->purse, &request, arena, number, trade_now(), err) &&
           trade_carry(trade, &request, &code, err);
}

static bool grant(const struct trade *trade, struct arena *arena, const struct info *info,
                  uint32_t stage, struct err *err)
{
    struct purse_payment payment = {.mint = trade->mint.number,
                                    .unit = SPAN("ccr-promo"),
                                    .amount = info->stages[stage - 1],
                                    .method = SPAN("grant"),
                                    .now_ms = trade_now()};
    struct wallet_quote quote;
    struct text body = {0};
    struct bytes33 key;
    int64_t number;
    grant_key(&payment.key, trade, &info->key);
    bool ok = trade_check_room(trade, payment.unit, payment.amount, err) &&
              purse_begin_quote(trade->purse, &number, &key, &payment, err);
    secret_wipe(&payment.key, sizeof payment.key);
    if (!ok)
        return false;
    text_addf(&body, "{\"unit\":\"ccr-promo\",\"amount\":%" PRIu64 ",\"pubkey\":\"",
              payment.amount);
    text_add_hex(&body, key.at, sizeof key);
    text_addf(&body, "\",\"stage\":%" PRIu32 ",\"nonce\":\"%" PRIu64 "\"", stage,
              find_nonce(info, &key, stage));
    ok = stage == 1 || find_job(trade, &body, stage, err);
    text_add(&body, SPAN("}"));
    ok = ok && ask_grant(trade, arena, &quote, &body, err) &&
         purse_set_quote(trade->purse, number, quote.id, quote.amount, err);
    text_clear(&body);
    if (ok)
        return collect(trade, arena, number, err);
    const struct span why = {err->text, strlen(err->text)};
    struct err ignored;
    (void)!purse_fail(trade->purse, number, why, trade_now(), &ignored);
    return false;
}

bool trade_grant(const struct trade *trade, uint64_t *amount, uint32_t stage, struct err *err)
{
    struct arena arena = {0};
    struct info info;
    bool ok = get_info(trade, &info, err) && grant(trade, &arena, &info, stage, err);
    *amount = ok ? info.stages[stage - 1] : 0;
    arena_clear(&arena);
    return ok;
}

/* ---- credit that is paid for ---- */

bool trade_buy(const struct trade *trade, struct span *request, struct arena *arena,
               const struct purse_payment *payment, struct err *err)
{
    struct wallet_quote quote;
    struct text body = {0};
    struct bytes33 key;
    struct span answer;
    char path[PATH_MAX_BYTES];
    int64_t number;
    if (!trade_check_room(trade, payment->unit, payment->amount, err) ||
        !purse_begin_quote(trade->purse, &number, &key, payment, err))
        return false;
    text_addf(&body, "{\"unit\":\"%.*s\",\"amount\":%" PRIu64 ",\"pubkey\":\"",
              SPAN_ARG(payment->unit), payment->amount);
    text_add_hex(&body, key.at, sizeof key);
    text_add(&body, SPAN("\"}"));
    snprintf(path, sizeof path, "/v1/mint/quote/%.*s", SPAN_ARG(payment->method));
    bool ok = trade_get(trade, &answer, arena, path, text_span(&body), err) &&
              wallet_read_quote(&quote, arena, answer, err) &&
              (quote.amount == payment->amount ||
               err_set(err, ERR_INVALID, "a quote for another amount")) &&
              purse_set_quote(trade->purse, number, quote.id, quote.amount, err);
    text_clear(&body);
    if (ok) {
        *request = quote.request;
        return true;
    }
    const struct span why = {err->text, strlen(err->text)};
    struct err ignored;
    (void)!purse_fail(trade->purse, number, why, trade_now(), &ignored);
    return false;
}
