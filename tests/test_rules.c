/* What an operator's lists let in, and what cannot be read of them. */
#include "relay/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/err.h"
#include "shared/event.h"
#include "tests/test.h"

#define KEY "6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435"

static const struct rules_setup nothing = {"", "", "", "", "", 0};

static void test_refuse(void **state)
{
    static const struct {
        struct rules_setup setup;
        const char *text;
    } cases[] = {
        {{"x", "", "", "", "", 0}, "kinds_allowed: 'x' is no kind, and no range of kinds"},
        {{"", "9-8", "", "", "", 0}, "kinds_denied: '9-8' is no kind, and no range of kinds"},
        {{"", "", "bob", "", "", 0}, "pubkeys_allowed: 'bob' is no public key"},
        {{"", "", KEY " " KEY "0", "", "", 0}, NULL},
        {{"", "", "", "@/nonexistent/file", "", 0},
         "pubkeys_denied: /nonexistent/file: No such file or directory"},
        {{"", "", "", "@", "", 0}, "pubkeys_denied: : No such file or directory"},
        {{",", "", "", "", "", 0}, "kinds_allowed: names none"},
        {{"", "", "@/dev/null", "", "", 0}, "pubkeys_allowed: names none"},
        {{"", "", "", "", "1", 0}, "pow_kinds: '1' is no rule like 1=16 or 20-22=10"},
        {{"", "", "", "", "1=257", 0}, "pow_kinds: '1=257' is no rule like 1=16 or 20-22=10"},
        {{"", "", "", "", "1=-1", 0}, "pow_kinds: '1=-1' is no rule like 1=16 or 20-22=10"},
        {{"", "", "", "", "x=1", 0}, "pow_kinds: 'x' is no kind, and no range of kinds"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        assert_null(rules_new(&cases[i].setup, &err));
        if (cases[i].text != NULL)
            assert_string_equal(err.text, cases[i].text);
    }
}

static void test_pow(void **state)
{
    struct rules_setup setup = nothing;
    (void)state;
    setup.pow_kinds = "1=16, 20-22=256 21=0";
    struct rules *rules = rules_new(&setup, NULL);
    assert_int_equal(rules_pow_bits(rules, 1, 5), 16);
    assert_int_equal(rules_pow_bits(rules, 2, 5), 5);
    assert_int_equal(rules_pow_bits(rules, 20, 5), 256);
    assert_int_equal(rules_pow_bits(rules, 21, 5), 0);
    rules_free(rules);
}

static void test_admit(void **state)
{
    const bool is_let_in = true;
    struct event event = {.pubkey = {"abcdefghijklmnopqrstuvwxyz012345"}, .kind = 1};
    struct event other = {.kind = 1};
    struct rules_setup setup = nothing;
    struct rules *rules = rules_new(&setup, NULL);
    (void)state;
    assert_true(rules_admit(rules, &event, !is_let_in, NULL));
    rules_free(rules);

    setup.pubkeys_allowed = KEY;
    setup.kinds_denied = "2";
    rules = rules_new(&setup, NULL);
    assert_true(rules_admit(rules, &event, !is_let_in, NULL));
    assert_false(rules_admit(rules, &other, !is_let_in, NULL));
    assert_true(rules_admit(rules, &other, is_let_in, NULL));
    event.kind = 2;
    assert_false(rules_admit(rules, &event, is_let_in, NULL));
    rules_free(rules);
}

/* Six a minute: six at once, then one every ten seconds. */
static void test_pace(void **state)
{
    const struct bytes32 one = {"one"}, two = {"two"};
    struct rules_setup setup = nothing;
    struct err err;
    (void)state;
    setup.events_per_min = 6;
    struct rules *rules = rules_new(&setup, NULL);
    for (int i = 0; i < 6; i++)
        assert_true(rules_pace(rules, &one, 1000, NULL));
    assert_false(rules_pace(rules, &one, 1000, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_true(rules_pace(rules, &two, 1000, NULL));
    assert_false(rules_pace(rules, &one, 10999, NULL));
    assert_true(rules_pace(rules, &one, 11000, NULL));
    assert_false(rules_pace(rules, &one, 11000, NULL));
    for (int i = 0; i < 6; i++) /* a minute's worth is the most that is saved up */
        assert_true(rules_pace(rules, &one, 10000000, NULL));
    assert_false(rules_pace(rules, &one, 10000000, NULL));
    rules_free(rules);
}

/* A pace that divides no minute is kept as well. */
static void test_pace_fast(void **state)
{
    struct rules_setup setup = nothing;
    const struct bytes32 key = {"one"};
    uint32_t count = 0;
    (void)state;
    setup.events_per_min = 45000;
    struct rules *rules = rules_new(&setup, NULL);
    while (rules_pace(rules, &key, 0, NULL))
        count++;
    assert_int_equal(count, 45000);
    for (int64_t now_ms = 1; now_ms <= 1000; now_ms++)
        while (rules_pace(rules, &key, now_ms, NULL))
            count++;
    assert_int_equal(count, 45000 + 750);
    rules_free(rules);
}

/* The line of a file that cannot be read is named. */
static void test_line(void **state)
{
    char path[] = "/tmp/rules-XXXXXX";
    struct rules_setup setup = nothing;
    struct err err;
    (void)state;
    int file = mkstemp(path);
    assert_true(dprintf(file, "# all\n" KEY "\nnobody # here\n") > 0);
    close(file);
    char list[40];
    snprintf(list, sizeof list, "@%s", path);
    setup.pubkeys_denied = list;
    assert_null(rules_new(&setup, &err));
    assert_non_null(strstr(err.text, ":3: 'nobody' is no public key"));
    unlink(path);
}

/* More keys than are told apart: the others are not held up, and the table does not grow. */
static void test_pace_flood(void **state)
{
    struct rules_setup setup = nothing;
    struct bytes32 key = {{0}};
    (void)state;
    setup.events_per_min = 1;
    struct rules *rules = rules_new(&setup, NULL);
    for (uint32_t i = 0; i <= RULES_PACED_MAX; i++) {
        memcpy(key.at, &i, sizeof i);
        assert_true(rules_pace(rules, &key, 60001, NULL));
        if (i < 5 || i == RULES_PACED_MAX)
            assert_int_equal(rules_pace(rules, &key, 60001, NULL), i == RULES_PACED_MAX);
    }
    assert_true(rules_pace(rules, &key, 130000, NULL)); /* the others' minutes are over */
    assert_false(rules_pace(rules, &key, 130000, NULL));
    rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse),     cmocka_unit_test(test_pow),
        cmocka_unit_test(test_admit),      cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pace_flood), cmocka_unit_test(test_pace_fast),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
