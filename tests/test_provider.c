/* Providers and expenses in the store: kept, replaced and gone, sealed, and summed. */
#include "client/provider.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/expense.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/secret.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { NOW_S = 1700000000 };
#define NOW_MS (NOW_S * UINT64_C(1000))
#define KEY "sk-never-in-the-clear-0123456789"

static char folder[32];
static struct store *store;
static struct arena arena;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static int open_all(void **state)
{
    struct err err;
    (void)state;
    folder_make(folder, sizeof folder);
    assert_int_equal(chmod(folder, 0700), 0);
    must((store = store_open(folder, NOW_MS, &err)) != NULL, &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    store_close(store);
    folder_remove(folder);
    arena_clear(&arena);
    return 0;
}

static struct holder *holder_of(uint8_t value)
{
    const struct bytes32 secret = {{value}};
    return holder_of_keys(keys_new(&secret));
}

static void test_model(void **state)
{
    static const struct {
        const char *word, *name;
        uint64_t in, out;
    } good[] = {
        {"llama3:8b", "llama3:8b", 0, 0},
        {"openai/gpt-4o=2.5/10", "openai/gpt-4o", 250, 1000},
        {"a=b=0.05/100000000", "a=b", 5, 10000000000},
    };
    static const char *const bad[] = {"",
                                      "=1/2",
                                      "m=1",
                                      "m=1/",
                                      "m=/1",
                                      "m=1/2/3",
                                      "m m",
                                      "m=-1/2",
                                      "m=1/x",
                                      "m=",
                                      "m=0.001/1",
                                      "m=1/1e3",
                                      "m\xC3\xA9=1/2",
                                      "m=1/100000000.01",
                                      "m=99999999999999999999/1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct provider_model model;
        struct err err;
        must(provider_read_model(&model, (struct span){good[i].word, strlen(good[i].word)}, &err),
             &err);
        assert_true(span_eq(model.name, (struct span){good[i].name, strlen(good[i].name)}));
        assert_int_equal(model.price.in, good[i].in);
        assert_int_equal(model.price.cached, good[i].in);
        assert_int_equal(model.price.out, good[i].out);
        assert_int_equal(model.price.request, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct provider_model model;
        struct err err;
        print_message("%s\n", bad[i]);
        assert_false(provider_read_model(&model, (struct span){bad[i], strlen(bad[i])}, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_check(void **state)
{
    struct provider_model models[] = {{{"m", 1}, {0}}};
    const struct provider good = {.name = SPAN("a"),
                                  .url = SPAN("https://example.com/v1"),
                                  .per_minute = PROVIDER_RATE_MAX,
                                  .models = models,
                                  .model_count = 1};
    const struct span urls[] = {SPAN(""),
                                SPAN("example.com"),
                                SPAN("http://example.com"),
                                SPAN("nostr:nprofile1qq"),
                                SPAN("https://a@example.com"),
                                SPAN("ftp://127.0.0.1")};
    struct provider other;
    (void)state;
    assert_true(provider_check(&good, NULL));
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        other = good;
        other.url = urls[i];
        assert_false(provider_check(&other, NULL));
    }
    other = good;
    other.per_minute++;
    assert_false(provider_check(&other, NULL));
    other = good;
    other.name = SPAN("a b");
    assert_false(provider_check(&other, NULL));
    other.name = SPAN("123456789012345678901234567890123");
    assert_false(provider_check(&other, NULL));
    other.name.len--;
    assert_true(provider_check(&other, NULL));
    other.model_count = PROVIDER_MODELS_MAX + 1;
    assert_false(provider_check(&other, NULL));
    other.model_count = 0;
    assert_false(provider_check(&other, NULL));
}

static void test_keep(void **state)
{
    struct provider_model models[] = {{{"m2", 2}, {1, 1, 2, 0}}, {{"m1", 2}, {3, 3, 4, 0}}};
    struct provider provider = {.name = SPAN("b"),
                                .url = SPAN("https://example.com/v1"),
                                .idiom = IDIOM_ANTHROPIC,
                                .sealed = SPAN("sealed"),
                                .per_minute = 9,
                                .ration = {.day = 100, .request = RATION_NO_LIMIT},
                                .models = models,
                                .model_count = 2};
    struct provider *all;
    size_t count;
    bool was_there;
    struct err err;
    (void)state;
    must(provider_put(store, &provider, &err), &err);
    provider.name = SPAN("a");
    provider.model_count = 1;
    must(provider_put(store, &provider, &err), &err);
    must(provider_list(store, &all, &count, &arena, &err), &err);
    assert_int_equal(count, 2);
    assert_true(span_eq(all[0].name, SPAN("a")) && span_eq(all[1].name, SPAN("b")));
    assert_int_equal(all[0].model_count, 1);
    assert_int_equal(all[1].model_count, 2);
    assert_true(span_eq(all[1].models[0].name, SPAN("m1")));
    assert_int_equal(all[1].models[0].price.out, 4);
    assert_true(span_eq(all[1].url, provider.url) && span_eq(all[1].sealed, SPAN("sealed")));
    assert_int_equal(all[1].idiom, IDIOM_ANTHROPIC);
    assert_int_equal(all[1].per_minute, 9);
    assert_int_equal(all[1].ration.day, 100);
    assert_true(all[1].ration.request == RATION_NO_LIMIT);

    provider.name = SPAN("b"); /* another one of the name */
    provider.sealed = (struct span){0};
    must(provider_put(store, &provider, &err), &err);
    must(provider_list(store, &all, &count, &arena, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(all[1].model_count, 1);
    assert_int_equal(all[1].sealed.len, 0);

    must(provider_remove(store, &was_there, SPAN("b"), &err), &err);
    assert_true(was_there);
    must(provider_remove(store, &was_there, SPAN("b"), &err), &err);
    assert_false(was_there);
    must(provider_list(store, &all, &count, &arena, &err), &err);
    assert_int_equal(count, 1);
}

static void test_most(void **state)
{
    struct provider_model models[] = {{{"m", 1}, {0}}};
    struct provider provider = {
        .url = SPAN("https://example.com/v1"), .models = models, .model_count = 1};
    char name[16];
    struct err err;
    (void)state;
    for (int i = 0; i <= PROVIDER_COUNT_MAX; i++) {
        snprintf(name, sizeof name, "p%d", i);
        provider.name = (struct span){name, strlen(name)};
        assert_int_equal(provider_put(store, &provider, &err), i < PROVIDER_COUNT_MAX);
    }
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    provider.name = SPAN("p0");
    must(provider_put(store, &provider, &err), &err); /* in the place of itself */
}

static void test_seal(void **state)
{
    struct provider provider = {0};
    struct holder *ours = holder_of(5), *theirs = holder_of(6);
    struct err err;
    (void)state;
    assert_false(provider_seal(&provider.sealed, &arena, ours, SPAN("two words"), &err));
    assert_false(provider_seal(&provider.sealed, &arena, ours, SPAN(""), &err));
    must(provider_seal(&provider.sealed, &arena, ours, SPAN(KEY), &err), &err);
    assert_null(memmem(provider.sealed.at, provider.sealed.len, KEY, 8));
    assert_null(provider_open(&provider, theirs, &err));
    char *key = provider_open(&provider, ours, &err);
    assert_string_equal(key, KEY);
    secret_free(key);
    provider.sealed = (struct span){0};
    key = provider_open(&provider, ours, &err);
    assert_string_equal(key, "");
    secret_free(key);
    holder_free(ours);
    holder_free(theirs);
}

/* ---- expenses ---- */

static uint64_t sum(uint64_t since_ms, struct span provider, struct span model)
{
    const struct expense_view view = {since_ms, provider, model};
    struct err err;
    uint64_t units;
    must(expense_sum(store, &units, &view, &err), &err);
    return units;
}

static int64_t spend(const char *provider, const char *model, uint64_t most, uint64_t now_ms)
{
    const struct expense expense = {
        .provider = {provider, strlen(provider)}, .model = {model, strlen(model)}, .most = most};
    int64_t number;
    struct err err;
    must(expense_begin(store, &number, &expense, now_ms, &err), &err);
    return number;
}

static void test_expense(void **state)
{
    const struct span any = {0};
    struct expense_row *rows;
    size_t count;
    struct err err;
    (void)state;
    assert_int_equal(sum(0, any, any), 0);
    int64_t first = spend(EXPENSE_SWARM, "m", 100, NOW_MS);
    int64_t second = spend("p", "m", 10, NOW_MS);
    int64_t third = spend("p", "n", 1, NOW_MS - EXPENSE_DAY_MS);
    assert_int_equal(sum(0, any, any), 111); /* as much as they may cost */
    const struct expense end = {.cost = 7, .prompt_tokens = 3, .output_tokens = 4};
    must(expense_end(store, first, &end, &err), &err);
    assert_int_equal(sum(0, any, any), 18);
    assert_int_equal(sum(0, SPAN(EXPENSE_SWARM), any), 7);
    assert_int_equal(sum(0, SPAN("p"), any), 11);
    assert_int_equal(sum(0, any, SPAN("m")), 17);
    assert_int_equal(sum(expense_day(NOW_MS), any, any), 17);
    assert_int_equal(expense_day(NOW_MS) % EXPENSE_DAY_MS, 0);

    must(expense_rows(store, &rows, &count, &arena, 0, &err), &err);
    assert_int_equal(count, 3);
    assert_true(rows[0].provider.len == 0 && span_eq(rows[0].model, SPAN("m")));
    assert_int_equal(rows[0].cost, 7);
    assert_int_equal(rows[0].count, 1);
    assert_int_equal(rows[0].open + rows[0].open_most, 0);
    assert_int_equal(rows[0].prompt_tokens, 3);
    assert_int_equal(rows[0].output_tokens, 4);
    assert_int_equal(rows[1].open, 1);
    assert_int_equal(rows[1].open_most, 10);
    must(expense_drop(store, second, &err), &err);
    must(expense_drop(store, third, &err), &err);
    assert_int_equal(sum(0, any, any), 7);
}

/* What is past any number is not less for that. */
static void test_overflow(void **state)
{
    const struct span any = {0};
    (void)state;
    spend("p", "m", UINT64_MAX, NOW_MS);
    spend("p", "m", UINT64_MAX, NOW_MS);
    assert_true(sum(0, any, any) > INT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_check, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_keep, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_most, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_seal, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_expense, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_overflow, open_all, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
