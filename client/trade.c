/* Asking, keysets, and what becomes of a request. */
#include "client/trade.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client/teller.h"
#include "client/trade_parts.h"

enum { PATH_MAX_BYTES = 512, POINTS_MAX = 500, TRADES_MAX = 1000, WORDS_SHOWN = 90 };

uint64_t trade_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool trade_ask(const struct trade *trade, struct trade_answer *answer, struct arena *arena,
               const char *path, struct span body, struct err *err)
{
    struct text text = {0};
    const struct teller_question question = {.method = body.len > 0 ? SPAN("POST") : SPAN("GET"),
                                             .path = {path, strlen(path)},
                                             .body = body};
    bool ok = teller_call(trade->teller, &text, &answer->status, &question, err);
    if (ok && text.len > WALLET_ANSWER_BYTES_MAX)
        ok = err_set(err, ERR_INVALID, "the mint answers with over %d bytes",
                     WALLET_ANSWER_BYTES_MAX);
    if (ok)
        answer->body = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return ok;
}

void trade_refuse(struct err *err, struct arena *arena, struct span body)
{
    struct wallet_refusal refusal;
    char words[WORDS_SHOWN + 1] = {0};
    wallet_read_refusal(&refusal, arena, body);
    for (size_t i = 0; i < refusal.detail.len && i < WORDS_SHOWN; i++)
        words[i] =
            refusal.detail.at[i] >= ' ' && refusal.detail.at[i] <= '~' ? refusal.detail.at[i] : '?';
    err_fill(err, ERR_INVALID, "the mint says: %s", words);
}

bool trade_get(const struct trade *trade, struct span *answer, struct arena *arena,
               const char *path, struct span body, struct err *err)
{
    struct trade_answer got;
    if (!trade_ask(trade, &got, arena, path, body, err))
        return false;
    *answer = got.body;
    if (got.status == TRADE_OK)
        return true;
    trade_refuse(err, arena, got.body);
    return false;
}

/* ---- keysets ---- */

static bool fill_keys(const struct trade *trade, struct wallet_keyset *keyset, struct arena *arena,
                      const struct wallet_keyset *known, size_t known_count, struct err *err)
{
    struct text path = {0};
    struct span answer;
    for (size_t i = 0; i < known_count; i++)
        if (memcmp(&known[i].id, &keyset->id, sizeof keyset->id) == 0) {
            keyset->keys = known[i].keys; /* which the id pins down, with the fee and the rest */
            return true;
        }
    text_add(&path, SPAN("/v1/keys/"));
    text_add_hex(&path, keyset->id.at, sizeof keyset->id);
    text_add(&path, (struct span){"", 1});
    bool ok = trade_get(trade, &answer, arena, path.at, (struct span){0}, err) &&
              wallet_read_keys(keyset, arena, answer, err);
    text_clear(&path);
    return ok;
}

static bool refresh(const struct trade *trade, struct arena *arena, struct err *err)
{
    struct wallet_keyset *keysets, *known;
    size_t count, known_count;
    struct span answer;
    if (!purse_keysets(trade->purse, &known, &known_count, arena, trade->mint.number, err) ||
        !trade_get(trade, &answer, arena, "/v1/keysets", (struct span){0}, err) ||
        !wallet_read_keysets(&keysets, &count, arena, answer, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!fill_keys(trade, &keysets[i], arena, known, known_count, err))
            return false;
    if (count == 0)
        return err_set(err, ERR_INVALID, "the mint has no keyset of a version that we know");
    return purse_put_keysets(trade->purse, trade->mint.number, keysets, count, err);
}

bool trade_refresh(const struct trade *trade, struct err *err)
{
    struct arena arena = {0};
    bool ok = refresh(trade, &arena, err);
    arena_clear(&arena);
    return ok;
}

/* ---- what is spent ---- */

static bool has_spent(const enum wallet_state *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (states[i] == WALLET_SPENT)
            return true;
    return false;
}

static bool check_some(const struct trade *trade, bool *is_pending,
                       const struct purse_points *points, bool is_all, struct err *err)
{
    size_t count = points->count;
    struct arena arena = {0};
    enum wallet_state states[POINTS_MAX];
    struct text body = {0};
    struct span answer;
    wallet_write_points(&body, points->at, count);
    bool ok = trade_get(trade, &answer, &arena, "/v1/checkstate", text_span(&body), err) &&
              wallet_read_states(states, points->at, count, answer, err) &&
              (!is_all || !has_spent(states, count) || trade_take_change(trade, err)) &&
              purse_mark_spent(trade->purse, points->at, states, count, err);
    for (size_t i = 0; ok && i < count; i++)
        *is_pending = *is_pending || states[i] == WALLET_PENDING;
    text_clear(&body);
    arena_clear(&arena);
    return ok;
}

/* number: of one trade's coins; 0: of all. */
static bool check(const struct trade *trade, bool *is_pending, int64_t number, struct err *err)
{
    struct arena arena = {0};
    struct purse_points points;
    *is_pending = false;
    bool ok = purse_points(trade->purse, &points, &arena, trade->mint.number, number, err);
    for (size_t at = 0; ok && at < points.count; at += POINTS_MAX) {
        size_t left = points.count - at;
        const struct purse_points some = {points.at + at, left < POINTS_MAX ? left : POINTS_MAX};
        ok = check_some(trade, is_pending, &some, number == 0, err);
    }
    arena_clear(&arena);
    return ok;
}

bool trade_check(const struct trade *trade, struct err *err)
{
    bool is_pending;
    return check(trade, &is_pending, 0, err);
}

/* ---- what becomes of a request ---- */

/* The mint refused it: it may have done it before, and the answer was lost. */
static bool look_back(const struct trade *trade, bool *is_done, int64_t number, struct err *err)
{
    struct arena arena = {0};
    struct text body = {0};
    struct span answer;
    *is_done = false;
    bool ok = purse_write_outputs(trade->purse, &body, number, err) &&
              trade_get(trade, &answer, &arena, "/v1/restore", text_span(&body), err) &&
              purse_end_restored(trade->purse, is_done, number, answer, trade_now(), err);
    text_clear(&body);
    arena_clear(&arena);
    return ok;
}

/* Coins that were spent elsewhere are gone; the others are free again. */
static bool give_back(const struct trade *trade, int64_t number, const struct err *why,
                      struct err *err)
{
    bool is_pending;
    if (!check(trade, &is_pending, number, err))
        return false;
    if (is_pending)
        return err_set(err, ERR_INTERNAL, "the mint is still at it: once more later");
    return purse_fail(trade->purse, number, (struct span){why->text, strlen(why->text)},
                      trade_now(), err);
}

static bool refused(const struct trade *trade, int64_t number, struct span body, int64_t *code,
                    struct err *err)
{
    struct arena arena = {0};
    struct wallet_refusal refusal;
    struct err why;
    bool is_done;
    wallet_read_refusal(&refusal, &arena, body);
    trade_refuse(&why, &arena, body);
    /* Outputs that another device had signed are not what this request was answered with. */
    bool ok = refusal.code == TRADE_SIGNED || look_back(trade, &is_done, number, err);
    if (ok && refusal.code != TRADE_SIGNED && is_done) {
        arena_clear(&arena);
        return true;
    }
    if (ok && give_back(trade, number, &why, err)) {
        *code = refusal.code != 0 ? refusal.code : -1;
        *err = why;
    }
    arena_clear(&arena);
    return false;
}

bool trade_carry(const struct trade *trade, const struct purse_request *request, int64_t *code,
                 struct err *err)
{
    struct arena arena = {0};
    struct trade_answer answer;
    char path[PATH_MAX_BYTES];
    *code = 0;
    if (request->path.len == 0)
        return true;
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(request->path));
    bool ok = trade_ask(trade, &answer, &arena, path, request->body, err);
    if (ok && answer.status == TRADE_OK)
        ok = purse_end(trade->purse, request->trade, answer.body, trade_now(), err);
    else if (ok && answer.status >= 500)
        ok = err_set(err, ERR_INTERNAL, "the mint fails: once more later");
    else if (ok)
        ok = refused(trade, request->trade, answer.body, code, err);
    arena_clear(&arena);
    return ok;
}

/* ---- what was left open ---- */

static bool get_quote(const struct trade *trade, struct span *json, struct wallet_quote *quote,
                      struct arena *arena, const struct purse_trade *known, struct err *err)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "/v1/%s/quote/%.*s/%.*s",
             known->kind == PURSE_MELT ? "melt" : "mint", SPAN_ARG(known->method),
             SPAN_ARG(known->quote));
    return trade_get(trade, json, arena, path, (struct span){0}, err) &&
           wallet_read_quote(quote, arena, *json, err);
}

static bool settle_quote(const struct trade *trade, struct arena *arena,
                         const struct purse_trade *known, struct err *err)
{
    struct purse_request request;
    struct wallet_quote quote;
    struct span json;
    int64_t code;
    if (known->quote.len == 0)
        return purse_fail(trade->purse, known->number, SPAN("no quote came"), trade_now(), err);
    if (!get_quote(trade, &json, &quote, arena, known, err))
        return false;
    if (span_eq(quote.state, SPAN("PAID")))
        return purse_begin_mint(trade->purse, &request, arena, known->number, trade_now(), err) &&
               trade_carry(trade, &request, &code, err);
    bool is_late = quote.expiry != 0 && (uint64_t)quote.expiry < trade_now() / 1000;
    if (!is_late && !span_eq(quote.state, SPAN("ISSUED")))
        return true;
    return purse_fail(trade->purse, known->number,
                      is_late ? SPAN("the quote has expired") : SPAN("the quote was used"),
                      trade_now(), err);
}

static bool settle_melt(const struct trade *trade, struct arena *arena,
                        const struct purse_trade *known, struct err *err)
{
    struct wallet_quote quote;
    struct span json;
    struct err why;
    if (!get_quote(trade, &json, &quote, arena, known, err))
        return false;
    if (!span_eq(quote.state, SPAN("UNPAID")))
        return purse_end(trade->purse, known->number, json, trade_now(), err);
    err_fill(&why, ERR_INTERNAL, "it was not paid");
    return give_back(trade, known->number, &why, err);
}

static bool settle_one(const struct trade *trade, const struct purse_trade *known, struct err *err)
{
    struct arena arena = {0};
    const struct purse_request request = {
        .trade = known->number, .path = known->path, .body = known->body};
    int64_t code = 0;
    bool ok;
    if (known->state == PURSE_ASKED)
        ok = settle_quote(trade, &arena, known, err);
    else if (known->kind == PURSE_MELT)
        ok = settle_melt(trade, &arena, known, err);
    else
        ok = trade_carry(trade, &request, &code, err) &&
             (known->kind != PURSE_SEND || purse_keep(trade->purse, known->number, err));
    arena_clear(&arena);
    return ok || code != 0; /* a refusal is an end, too */
}

bool trade_settle(const struct trade *trade, size_t *open, struct err *err)
{
    struct arena arena = {0};
    const struct purse_view view = {.mint = trade->mint.number, .is_open = true, .max = TRADES_MAX};
    struct purse_trades trades;
    *open = 0;
    bool ok = purse_trades(trade->purse, &trades, &arena, &view, err);
    for (size_t i = ok ? trades.count : 0; ok && i > 0; i--)
        ok = settle_one(trade, &trades.at[i - 1], err);
    ok = ok && purse_trades(trade->purse, &trades, &arena, &view, err);
    if (ok)
        *open = trades.count;
    arena_clear(&arena);
    return ok;
}
