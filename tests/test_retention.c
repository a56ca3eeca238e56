/* The rules of how long events are kept. */
#include "relay/retention.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

#define DAY INT64_C(86400)

static void parse(struct retention *retention, int64_t age_s, const char *rules)
{
    struct err err;
    if (!retention_parse(retention, age_s, rules, &err))
        fail_msg("%s: %s", rules, err.text);
}

static void test_ages(void **state)
{
    static const struct {
        int64_t general_s;
        const char *rules;
        uint16_t kind;
        int64_t age_s;
    } cases[] = {
        {0, "", 1, 0},
        {60, "", 1, 60},
        {60, "", 45, 60},
        {60, "", 65535, 60},
        {60, "", 4, 60},
        {60, "", 9999, 60},
        {60, "", 0, 0}, /* what stays unless it is named */
        {60, "", 3, 0},
        {60, "", 5, 0},
        {60, "", 62, 0},
        {60, "", 10000, 0},
        {60, "", 19999, 0},
        {60, "", 30000, 0},
        {60, "", 39999, 0},
        {60, "", 40000, 60},
        {60, "0=7d", 0, 7 * DAY},
        {60, "5=1h", 5, 3600},
        {60, "1=0", 1, 0},
        {60, "1=0s", 1, 0},
        {0, "7=30d", 7, 30 * DAY},
        {0, "7=30d", 8, 0},
        {0, "20000-29999=1h", 20000, 3600},
        {0, "20000-29999=1h", 29999, 3600},
        {0, "20000-29999=1h", 19999, 0},
        {0, "20000-29999=1h", 30000, 0},
        {0, "  1984=1y, 7=2w\t0-65535=3m  ", 1984, 365 * DAY},
        {0, "1984=1y 7=2w 0-65535=3m", 7, 14 * DAY},
        {0, "1984=1y 7=2w 0-65535=3m", 62, 180},
        {60, "9=0 0-99=1s", 9, 0}, /* the first that names it */
        {60, "9=9999999999y", 9, INT64_C(9999999999) * 365 * DAY},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct retention retention;
        print_message("%s %u\n", cases[i].rules, cases[i].kind);
        parse(&retention, cases[i].general_s, cases[i].rules);
        assert_int_equal(retention_age(&retention, cases[i].kind), cases[i].age_s);
    }
}

static void test_refuse(void **state)
{
    static const char *const rules[] = {
        "7",     "7=",         "=30d",   "7=30",    "7=30x",    "7=30dd",        "7 =30d", "7= 30d",
        "-7=1d", "7-=1d",      "8-7=1d", "7:30d",   "65536=1d", "7=-1d",         "7=1.5d", "0x7=1d",
        "7=d",   "7=30d;8=1d", "a=1d",   "7--8=1d", "1-2-3=1d", "7=10000000000s"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct retention retention;
        struct err err;
        print_message("%s\n", rules[i]);
        assert_false(retention_parse(&retention, 0, rules[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(strncmp(err.text, "retention_kinds: '", 18), 0);
    }
}

static void test_limit(void **state)
{
    struct text text = {0};
    struct retention retention;
    struct err err;
    (void)state;
    for (int i = 0; i < RETENTION_RULES_MAX; i++)
        text_addf(&text, "%d=%dd ", i, i + 1);
    text_add(&text, (struct span){"", 1});
    parse(&retention, 0, text.at);
    assert_int_equal(retention_age(&retention, RETENTION_RULES_MAX - 1), RETENTION_RULES_MAX * DAY);
    text.len--;
    text_addf(&text, "1=1d");
    text_add(&text, (struct span){"", 1});
    assert_false(retention_parse(&retention, 0, text.at, &err));
    assert_string_equal(err.text, "retention_kinds: more than 64 rules");
    text_clear(&text);
}

static void test_least(void **state)
{
    struct retention retention;
    (void)state;
    parse(&retention, 0, "");
    assert_int_equal(retention_age_min(&retention), 0);
    parse(&retention, 0, "1=0");
    assert_int_equal(retention_age_min(&retention), 0);
    parse(&retention, 60, "1=0 2=1h");
    assert_int_equal(retention_age_min(&retention), 60);
    parse(&retention, 0, "1=0 2=1h 3=5s 4=1d");
    assert_int_equal(retention_age_min(&retention), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ages), cmocka_unit_test(test_refuse),
                                       cmocka_unit_test(test_limit), cmocka_unit_test(test_least)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
