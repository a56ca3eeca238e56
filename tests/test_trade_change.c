/* Change of a job whose answer never arrived, taken from a mint over HTTP: once, all of it, and
 * nothing where the mint says that it is gone, or lies. And a mint that asks for much work. */
#include <stdlib.h>
#include <uv.h>

#include "client/holder.h"
#include "client/httpd.h"
#include "client/keys.h"
#include "client/purse_parts.h"
#include "client/store.h"
#include "client/teller.h"
#include "client/trade_parts.h"
#include "shared/scan.h"
#include "tests/folder.h"
#include "tests/stamp.h"
#include "tests/test.h"

enum { GRANT = 100, PAID = 64, NOW_S = 1700000000, OUTPUTS_MAX = 200, POINTS_MAX = 200 };
#define NOW_MS (NOW_S * UINT64_C(1000))

static const uint64_t change_amounts[] = {32, 8, 1};
enum { CHANGE = 41 };

/* The mint: what it has seen spent, and what it signed as change. */
static struct {
    struct httpd *httpd;
    struct stamp stamp, liar; /* liar: of the same keys, with other secrets */
    struct bytes33 spent[POINTS_MAX];
    size_t spent_count;
    struct wallet_output *change;
    bool is_silent, is_lying;
    unsigned restores, swaps;
} far;

static uv_loop_t loop;
static char folder[32];
static struct store *store;
static struct holder *holder;
static struct trade trade;
static struct arena arena;
static struct span token;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

/* ---- the mint ---- */

struct list {
    struct wallet_output at[OUTPUTS_MAX];
    struct bytes33 points[POINTS_MAX];
    size_t count, point_count;
};

static bool read_output(struct scan *scan, struct wallet_output *output, struct err *err)
{
    struct scan_list members;
    struct span key;
    bool ok = scan_object(scan, &members, err);
    while (ok && members.more) {
        int64_t amount = 0;
        ok = scan_key(scan, &arena, &key, err);
        if (ok && span_eq(key, SPAN("amount"))) {
            ok = scan_integer(scan, &amount, INT64_MAX, err);
            output->amount = (uint64_t)amount;
        } else if (ok && span_eq(key, SPAN("B_"))) {
            ok = scan_hex(scan, &arena, output->message.at, sizeof output->message, err);
        } else {
            ok = ok && scan_skip(scan, err);
        }
        ok = ok && scan_next(scan, &members, err);
    }
    return ok;
}

static bool read_list(struct scan *scan, struct list *list, bool is_outputs, struct err *err)
{
    struct scan_list items;
    bool ok = scan_array(scan, &items, err);
    while (ok && items.more) {
        assert_true(list->count < OUTPUTS_MAX && list->point_count < POINTS_MAX);
        ok = (is_outputs ? read_output(scan, &list->at[list->count++], err)
                         : scan_hex(scan, &arena, list->points[list->point_count++].at,
                                    sizeof list->points->at, err)) &&
             scan_next(scan, &items, err);
    }
    return ok;
}

static struct list *read_body(struct span body)
{
    struct list *list = arena_alloc(&arena, sizeof *list);
    struct scan scan = scan_begin(body);
    struct scan_list members;
    struct span key;
    struct err err;
    bool ok = scan_object(&scan, &members, &err);
    while (ok && members.more) {
        ok = scan_key(&scan, &arena, &key, &err);
        if (ok && (span_eq(key, SPAN("outputs")) || span_eq(key, SPAN("Ys"))))
            ok = read_list(&scan, list, key.len > 2, &err);
        else
            ok = ok && scan_skip(&scan, &err);
        ok = ok && scan_next(&scan, &members, &err);
    }
    must(ok, &err);
    return list;
}

static bool is_spent(const struct bytes33 *point)
{
    for (size_t i = 0; i < far.spent_count; i++)
        if (memcmp(&far.spent[i], point, sizeof *point) == 0)
            return true;
    return false;
}

static void tell_states(struct text *out, const struct list *list)
{
    text_add(out, SPAN("{\"states\":["));
    for (size_t i = 0; i < list->point_count; i++) {
        text_add(out, i > 0 ? SPAN(",{\"Y\":\"") : SPAN("{\"Y\":\""));
        text_add_hex(out, list->points[i].at, sizeof list->points[i]);
        text_addf(out, "\",\"state\":\"%s\"}", is_spent(&list->points[i]) ? "SPENT" : "UNSPENT");
    }
    text_add(out, SPAN("]}"));
}

/* Only what it was asked for, and had signed. */
static void tell_change(struct text *out, const struct list *list)
{
    struct wallet_output known[ARRAY_LEN(change_amounts)];
    uint64_t amounts[ARRAY_LEN(change_amounts)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(change_amounts); i++)
        for (size_t k = 0; k < list->count; k++)
            if (memcmp(&list->at[k].message, &far.change[i].message, sizeof(struct bytes33)) == 0) {
                known[count] = far.change[i];
                amounts[count++] = change_amounts[i];
            }
    assert_int_equal(count, ARRAY_LEN(change_amounts));
    stamp_write_restored(out, far.is_lying ? &far.liar : &far.stamp, known, amounts, count);
    far.restores++;
}

static void swap(struct text *out, const struct list *list)
{
    uint64_t amounts[OUTPUTS_MAX], sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += amounts[i] = list->at[i].amount;
    assert_int_equal(sum, CHANGE);
    stamp_write(out, &far.stamp, "{\"signatures\":", list->at, amounts, list->count);
    far.swaps++;
}

static void on_ask(void *owner, const struct httpd_request *request)
{
    struct text out = {0};
    struct httpd_head head = {.status = far.is_silent ? 503 : 200, .type = "application/json"};
    const struct list *list = request->body.len > 0 ? read_body(request->body) : NULL;
    (void)owner;
    if (strcmp(request->path, "/v1/checkstate") == 0)
        tell_states(&out, list);
    else if (strcmp(request->path, "/v1/restore") == 0)
        tell_change(&out, list);
    else if (strcmp(request->path, "/v1/swap") == 0)
        swap(&out, list);
    else if (strcmp(request->path, "/v1/info") == 0)
        text_addf(&out,
                  "{\"pubkey\":\"02%064d\",\"nuts\":{\"4\":{\"methods\":[{\"method\":\"grant\","
                  "\"options\":{\"pow_bits\":29,\"stages\":[10,50,20,20]}}]}}}",
                  1);
    else
        fail_msg("%s", request->path);
    httpd_answer(far.httpd, request->number, &head, text_span(&out));
    text_clear(&out);
}

static void on_gone(void *owner, uint64_t number)
{
    (void)owner;
    (void)number;
}

/* ---- the wallet ---- */

static struct purse_balance balance(void)
{
    struct purse_balance *all;
    size_t count;
    struct err err;
    must(purse_balances(trade.purse, &all, &count, &arena, &err), &err);
    assert_int_equal(count, 1);
    return all[0];
}

static struct purse_payment payment_of(uint64_t amount, struct span memo)
{
    return (struct purse_payment){.mint = trade.mint.number,
                                  .unit = SPAN("ccr"),
                                  .amount = amount,
                                  .memo = memo,
                                  .method = SPAN("grant"),
                                  .quote = SPAN("q"),
                                  .now_ms = NOW_MS};
}

/* What the mint answers to a request of ours, as it is begun. */
static void end(const struct purse_request *request)
{
    const struct list *list = read_body(request->body);
    uint64_t amounts[OUTPUTS_MAX];
    struct text out = {0};
    struct err err;
    for (size_t i = 0; i < list->count; i++)
        amounts[i] = list->at[i].amount;
    stamp_write(&out, &far.stamp, "{\"signatures\":", list->at, amounts, list->count);
    must(purse_end(trade.purse, request->trade, text_span(&out), NOW_MS, &err), &err);
    text_clear(&out);
}

static void earn(void)
{
    const struct purse_payment payment = payment_of(GRANT, SPAN(""));
    struct purse_request request;
    struct bytes33 key;
    struct err err;
    int64_t number;
    must(purse_begin_quote(trade.purse, &number, &key, &payment, &err), &err);
    must(purse_set_quote(trade.purse, number, SPAN("q"), GRANT, &err), &err);
    must(purse_begin_mint(trade.purse, &request, &arena, number, NOW_MS, &err), &err);
    end(&request);
}

/* A token with that memo is out, and the mint has its coins, and signed change. */
static void pay(struct span memo)
{
    const struct purse_payment payment = payment_of(PAID, memo);
    struct purse_request request;
    struct purse_trade known;
    struct token paid;
    struct bytes64 seed;
    struct err err;
    must(purse_begin_send(trade.purse, &request, &arena, &payment, &err), &err);
    if (request.path.len > 0)
        end(&request);
    must(purse_trade(trade.purse, &known, &arena, request.trade, &err), &err);
    token = known.token;
    must(token_read(&paid, &arena, token, &err), &err);
    for (uint32_t i = 0; i < paid.count; i++)
        far.spent[far.spent_count++] = wallet_point(&paid.proofs[i]);
    seed = wallet_change_seed(&paid);
    far.change =
        wallet_outputs(&arena, &seed, &far.stamp.keyset.id, 0, NULL, ARRAY_LEN(change_amounts));
}

static int open_all(void **state)
{
    const struct bytes32 secret = {{5}};
    const struct httpd_setup server = {.loop = &loop,
                                       .host = "127.0.0.1",
                                       .connections_max = 8,
                                       .body_bytes_max = 1 << 20,
                                       .ask = on_ask,
                                       .gone = on_gone};
    static char url[64];
    struct err err;
    (void)state;
    memset(&far, 0, sizeof far);
    folder_make(folder, sizeof folder);
    assert_int_equal(chmod(folder, 0700), 0);
    uv_loop_init(&loop);
    must((far.httpd = httpd_new(&server, &err)) != NULL, &err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", httpd_port(far.httpd));
    stamp_fill(&far.stamp, 1, SPAN("ccr"), 0);
    stamp_fill(&far.liar, 2, SPAN("ccr"), 0);
    far.liar.keyset.id = far.stamp.keyset.id;

    must((store = store_open(folder, NOW_MS, &err)) != NULL, &err);
    struct keys *keys = keys_new(&secret);
    holder = holder_of_keys(keys);
    trade = (struct trade){.purse = purse_open(store)};
    must(purse_unlock(trade.purse, holder, keys, &err), &err);
    must(purse_add_mint(trade.purse, &trade.mint.number, (struct span){url, strlen(url)}, 0, &err),
         &err);
    must(purse_put_keysets(trade.purse, trade.mint.number, &far.stamp.keyset, 1, &err), &err);
    trade.mint.url = (struct span){url, strlen(url)};
    const struct teller_setup setup = {.loop = &loop, .url = trade.mint.url};
    must((trade.teller = teller_new(&setup, &err)) != NULL, &err);
    earn();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    teller_free(trade.teller);
    httpd_free(far.httpd);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    purse_close(trade.purse);
    holder_free(holder);
    store_close(store);
    folder_remove(folder);
    arena_clear(&arena);
    return 0;
}

/* ---- what is tested ---- */

static void test_take(void **state)
{
    struct err err;
    (void)state;
    pay(SPAN(TRADE_JOB));
    assert_int_equal(balance().unspent, GRANT - PAID);
    must(trade_check(&trade, &err), &err);
    assert_int_equal(balance().unspent, GRANT - PAID + CHANGE);
    assert_int_equal(balance().given + balance().pending, 0);
    assert_int_equal(far.swaps, 1);
    must(trade_check(&trade, &err), &err); /* once */
    assert_int_equal(balance().unspent, GRANT - PAID + CHANGE);
    assert_int_equal(far.swaps, 1);
}

/* What is given away is nothing that the seed alone makes; what stays is. */
static void test_salt(void **state)
{
    enum { COUNTERS = 64 };
    const struct purse_payment payment = payment_of(PAID + 1, SPAN(""));
    struct purse_outputs outputs;
    struct purse_request request;
    struct err err;
    (void)state;
    must(purse_begin_send(trade.purse, &request, &arena, &payment, &err), &err);
    must(purse_outputs(trade.purse, &outputs, &arena, request.trade, &err), &err);
    assert_true(outputs.given > 0 && outputs.count > outputs.given);
    const struct wallet_output *own =
        wallet_outputs(&arena, purse_seed(trade.purse), &outputs.keyset.id, 0, NULL, COUNTERS);
    for (size_t i = 0; i < outputs.count; i++) {
        size_t at = 0;
        while (at < COUNTERS && !span_eq(own[at].secret, outputs.at[i].secret))
            at++;
        assert_int_equal(at < COUNTERS, i >= outputs.given);
    }
}

/* Refused before anything is hashed or put down. */
static void test_work(void **state)
{
    struct err err;
    uint64_t amount;
    (void)state;
    assert_false(trade_grant(&trade, &amount, 1, &err));
    assert_string_equal(err.text, "the mint wants 2^29 hashes for a grant: over 2^28 are not done");
    assert_int_equal(amount, 0);
    assert_int_equal(balance().unspent, GRANT);
}

/* Of somebody else's token nothing is ours. */
static void test_gift(void **state)
{
    struct err err;
    (void)state;
    pay(SPAN("a gift"));
    must(trade_check(&trade, &err), &err);
    assert_int_equal(far.restores + far.swaps, 0);
    assert_int_equal(balance().unspent, GRANT - PAID);
    assert_int_equal(balance().given, 0);
}

/* Somebody who had the token was first. */
static void test_taken(void **state)
{
    struct token paid, change = {0};
    struct bytes64 seed;
    struct err err;
    (void)state;
    pay(SPAN(TRADE_JOB));
    must(token_read(&paid, &arena, token, &err), &err);
    seed = wallet_change_seed(&paid);
    const struct wallet_output *outputs =
        wallet_outputs(&arena, &seed, &far.stamp.keyset.id, 0, NULL, 1);
    change.proofs = arena_array(&arena, struct token_proof, 1);
    change.proofs[0].secret = outputs[0].secret;
    far.spent[far.spent_count++] = wallet_point(&change.proofs[0]);
    must(trade_take_change(&trade, &err), &err);
    assert_int_equal(far.restores, 1);
    assert_int_equal(far.swaps, 0);
    assert_int_equal(balance().unspent, GRANT - PAID);
}

/* A mint that fails is asked again another time: the token is not forgotten. */
static void test_silent(void **state)
{
    struct err err;
    (void)state;
    pay(SPAN(TRADE_JOB));
    far.is_silent = true;
    assert_false(trade_check(&trade, &err));
    assert_int_equal(balance().given, PAID);
    far.is_silent = false;
    must(trade_check(&trade, &err), &err);
    assert_int_equal(balance().unspent, GRANT - PAID + CHANGE);
}

static void test_lie(void **state)
{
    struct err err;
    (void)state;
    pay(SPAN(TRADE_JOB));
    far.is_lying = true;
    assert_false(trade_take_change(&trade, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(far.swaps, 0);
    assert_int_equal(balance().given, PAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_take, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_gift, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_taken, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_silent, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_lie, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_salt, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_work, open_all, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
