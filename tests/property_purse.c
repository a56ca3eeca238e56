/* Whatever is granted, sent, received and paid, wherever it stops and begins again, and when the
 * store is damaged and saved: not a unit comes or goes but what was granted, paid, handed out. */
#include <stdlib.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/purse_parts.h"
#include "client/store.h"
#include "client/wallet_wire.h"
#include "tests/folder.h"
#include "tests/random.h"
#include "tests/stamp.h"
#include "tests/test.h"

enum { ROUNDS = 120, NOW_S = 1700000000, TOKENS_MAX = 40 };
#define NOW_MS (NOW_S * UINT64_C(1000))
#define SIGNATURES "{\"signatures\":"
#define CHANGE "{\"quote\":\"q\",\"state\":\"PAID\",\"change\":"
#define URL "http://127.0.0.1:1"

static char folder[32];
static struct store *store;
static struct purse *purse;
static struct holder *holder;
static struct stamp stamp;
static struct arena arena;
static int64_t mint;
static uint64_t total; /* what must be in the purse */
static char *tokens[TOKENS_MAX];
static size_t token_count;
static unsigned crashes, dones, refusals, saves;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void open_purse(void)
{
    struct err err;
    const struct bytes32 secret = {{5}};
    store = store_open(folder, NOW_MS, &err);
    must(store != NULL, &err);
    struct keys *keys = keys_new(&secret);
    holder = holder_of_keys(keys);
    purse = purse_open(store);
    must(purse_unlock(purse, holder, keys, &err), &err);
}

static void close_purse(void)
{
    purse_close(purse);
    holder_free(holder);
    store_close(store);
}

/* Everything that was not written down is gone. */
static void crash(void)
{
    close_purse();
    open_purse();
    crashes++;
}

/* The store is taken for damaged, and saved. */
static void save(void)
{
    struct err err;
    uint64_t saved;
    close_purse();
    must(store_salvage(folder, NOW_MS, &saved, &err), &err);
    open_purse();
    saves++;
}

static struct purse_balance balance(void)
{
    struct purse_balance *all;
    size_t count;
    struct err err;
    must(purse_balances(purse, &all, &count, &arena, &err), &err);
    assert_int_equal(count, 1);
    return all[0];
}

/* ---- the mint's part ---- */

/* What a request asks for; of blank ones the bits of change. */
static size_t amounts_of(uint64_t *amounts, const struct purse_outputs *outputs, uint64_t change)
{
    size_t count = 0;
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->at[i].amount != 0)
            amounts[count++] = outputs->at[i].amount;
    for (; change != 0; change &= change - 1)
        amounts[count++] = change & (~change + 1);
    return count;
}

/* The request is carried out, and its answer comes, or is lost and asked for again. */
static void carry_out(int64_t trade, uint64_t change, const char *begin)
{
    struct purse_outputs outputs;
    uint64_t amounts[PURSE_AMOUNTS_MAX];
    struct text json = {0};
    struct err err;
    bool is_it;
    bool is_lost = random_below(3) == 0;
    if (random_below(4) == 0)
        crash();
    must(purse_outputs(purse, &outputs, &arena, trade, &err), &err);
    size_t count = amounts_of(amounts, &outputs, change);
    if (is_lost)
        stamp_write_restored(&json, &stamp, outputs.at, amounts, count);
    else
        stamp_write(&json, &stamp, begin, outputs.at, amounts, count);
    if (is_lost && count == 0) { /* nothing was signed: it is the quote that says so */
        json.len = 0;
        stamp_write(&json, &stamp, begin, outputs.at, amounts, count);
        is_lost = false;
    }
    if (is_lost) {
        must(purse_end_restored(purse, &is_it, trade, text_span(&json), NOW_MS, &err), &err);
        assert_true(is_it);
    } else {
        must(purse_end(purse, trade, text_span(&json), NOW_MS, &err), &err);
    }
    assert_false(purse_end(purse, trade, text_span(&json), NOW_MS, &err)); /* once */
    if (random_below(4) == 0)
        crash();
    text_clear(&json);
    dones++;
}

/* Whether the mint refuses it, after which nothing is as if it had been asked. */
static bool is_refused(int64_t trade)
{
    struct err err;
    if (random_below(5) != 0)
        return false;
    if (random_below(2) == 0)
        crash();
    must(purse_fail(purse, trade, SPAN("no"), NOW_MS, &err), &err);
    refusals++;
    return true;
}

/* ---- what is done ---- */

static struct purse_payment payment_of(uint64_t amount)
{
    return (struct purse_payment){.mint = mint,
                                  .unit = SPAN("ccr"),
                                  .amount = amount,
                                  .memo = SPAN("m"),
                                  .method = SPAN("grant"),
                                  .quote = SPAN("q"),
                                  .now_ms = NOW_MS};
}

static void grant(void)
{
    const struct purse_payment payment = payment_of(1 + random_below(2000));
    struct purse_request request;
    struct bytes33 key;
    struct err err;
    int64_t trade;
    must(purse_begin_quote(purse, &trade, &key, &payment, &err), &err);
    must(purse_set_quote(purse, trade, SPAN("quote"), payment.amount, &err), &err);
    must(purse_begin_mint(purse, &request, &arena, trade, NOW_MS, &err), &err);
    if (is_refused(trade))
        return;
    carry_out(trade, 0, SIGNATURES);
    total += payment.amount;
}

static void keep_token(int64_t number)
{
    struct purse_trade trade;
    struct err err;
    must(purse_trade(purse, &trade, &arena, number, &err), &err);
    assert_int_equal(trade.state, PURSE_DONE);
    assert_true(trade.token.len > 0);
    char *token = calloc(1, trade.token.len + 1);
    assert_non_null(token);
    memcpy(token, trade.token.at, trade.token.len);
    tokens[token_count++] = token;
}

static void send(void)
{
    const struct purse_payment payment = payment_of(1 + random_below(1500));
    struct purse_request request;
    struct purse_trade trade;
    struct err err;
    struct purse_balance before = balance();
    if (token_count == TOKENS_MAX)
        return;
    if (!purse_begin_send(purse, &request, &arena, &payment, &err)) {
        struct purse_balance after = balance();
        assert_int_equal(after.unspent, before.unspent);
        assert_true(before.unspent < payment.amount + before.coins); /* or not for its fees */
        return;
    }
    must(purse_trade(purse, &trade, &arena, request.trade, &err), &err);
    if (request.path.len > 0) {
        if (is_refused(request.trade))
            return;
        carry_out(request.trade, 0, SIGNATURES);
        total -= trade.fee;
    }
    keep_token(request.trade);
}

/* The mint says that they are spent, as it does of what was taken. */
static void mark_token(const struct token *token)
{
    struct bytes33 points[TOKENS_MAX];
    enum wallet_state states[TOKENS_MAX];
    struct err err;
    assert_true(token->count <= TOKENS_MAX);
    for (uint32_t i = 0; i < token->count; i++) {
        points[i] = wallet_point(&token->proofs[i]);
        states[i] = WALLET_SPENT;
    }
    must(purse_mark_spent(purse, points, states, token->count, &err), &err);
}

static void receive(void)
{
    struct purse_payment payment = payment_of(0);
    struct purse_request request;
    struct purse_trade trade;
    struct token token;
    struct err err;
    uint64_t sum;
    if (token_count == 0)
        return;
    const char *last = tokens[--token_count];
    const struct span text = {last, strlen(last)};
    payment.token = text;
    must(token_read(&token, &arena, text, &err), &err);
    assert_true(token_sum(&sum, &token));
    for (uint32_t i = 0; i < token.count; i++)
        assert_int_equal(token.proofs[i].has_dleq, true);
    if (purse_begin_receive(purse, &request, &arena, &token, &payment, &err)) {
        must(purse_trade(purse, &trade, &arena, request.trade, &err), &err);
        if (is_refused(request.trade)) {
            struct purse_trade failed;
            must(purse_trade(purse, &failed, &arena, request.trade, &err), &err);
            assert_true(span_eq(failed.token, text)); /* which is not lost for that */
            token_count++;
            return;
        }
        mark_token(&token);
        carry_out(request.trade, 0, SIGNATURES);
        total -= trade.fee;
    } else {
        print_message("%s %d\n", err.text, (int)sum);
        assert_true(sum <= 4); /* of which nothing would be left */
        mark_token(&token);
        total -= sum;
    }
    free(tokens[token_count]);
}

static void pay(void)
{
    const struct purse_payment payment = payment_of(1 + random_below(600));
    struct purse_request request;
    struct purse_trade trade;
    struct err err;
    int64_t taken;
    if (!purse_begin_melt(purse, &request, &arena, &payment, &err))
        return;
    must(purse_trade(purse, &trade, &arena, request.trade, &err), &err);
    must(purse_end(purse, request.trade, SPAN("{\"quote\":\"q\",\"state\":\"PENDING\"}"), NOW_MS,
                   &err),
         &err);
    if (random_below(5) == 0) {
        must(purse_end(purse, request.trade, SPAN("{\"quote\":\"q\",\"state\":\"UNPAID\"}"), NOW_MS,
                       &err),
             &err);
        return;
    }
    must(sql_number(store_sql(store), &taken, 0, &err,
                    "SELECT sum(amount) FROM coin WHERE o = ? AND state = 1", "i", request.trade),
         &err);
    uint64_t cost = random_below((uint32_t)payment.amount + 1);
    carry_out(request.trade, (uint64_t)taken - trade.fee - cost, CHANGE);
    must(purse_trade(purse, &trade, &arena, request.trade, &err), &err);
    assert_int_equal(trade.amount, cost);
    total -= cost + trade.fee;
}

static void run(uint32_t fee_ppk)
{
    static void (*const acts[])(void) = {grant, send, receive, pay};
    struct err err;
    folder_make(folder, sizeof folder);
    assert_int_equal(chmod(folder, 0700), 0);
    total = 0;
    crashes = dones = refusals = saves = 0;
    stamp_fill(&stamp, 1, SPAN("ccr"), fee_ppk);
    open_purse();
    must(purse_add_mint(purse, &mint, SPAN(URL), 0, &err), &err);
    must(purse_put_keysets(purse, mint, &stamp.keyset, 1, &err), &err);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        acts[random_below(ARRAY_LEN(acts))]();
        if (round % 20 == 10)
            save();
        struct purse_balance now = balance();
        assert_int_equal(now.unspent + now.pending + now.given, total);
        assert_int_equal(now.pending, 0);
        arena_clear(&arena);
    }
    assert_true(crashes > 5 && dones > ROUNDS / 4 && refusals > 2 && saves > 0);
    while (token_count > 0)
        free(tokens[--token_count]);
    close_purse();
    folder_remove(folder);
}

static void test_sum(void **state)
{
    (void)state;
    run(0);
}

static void test_sum_with_fees(void **state)
{
    (void)state;
    run(350);
}

int main(void)
{
    random_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sum),
                                       cmocka_unit_test(test_sum_with_fees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
