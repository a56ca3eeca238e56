/* The hybrid clock: never backwards, never far from the truth. */
#include "client/hlc.h"

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static void test_spelling(void **state)
{
    struct text text = {0};
    uint64_t hlc;
    (void)state;
    hlc_write(&text, hlc_make(1700000000123, 0));
    assert_true(span_eq(text_span(&text), SPAN("018bcfe5687b0000")));
    assert_true(hlc_parse(&hlc, SPAN("018bcfe5687bffff")));
    assert_true(hlc == hlc_make(1700000000123, 0xffff));
    assert_true(hlc_ms(hlc) == 1700000000123);
    assert_int_equal(hlc_seconds(hlc), 1700000000);
    assert_false(hlc_parse(&hlc, SPAN("018bcfe5687b000")));
    assert_false(hlc_parse(&hlc, SPAN("018BCFE5687B0000")));
    text_clear(&text);
}

static void test_next(void **state)
{
    static const struct {
        uint64_t seen_ms;
        uint16_t seen_counter;
        uint64_t now_ms, next_ms;
        uint16_t next_counter;
    } cases[] = {
        {0, 0, 1000, 1000, 0},         {999, 7, 1000, 1000, 0},
        {1000, 0, 1000, 1000, 1},      {2000, 5, 1000, 2000, 6},
        {1000, 0xffff, 1000, 1001, 0}, {301000, 0, 1000, 301000, 1}, /* five minutes */
    };
    uint64_t next;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t seen = hlc_make(cases[i].seen_ms, cases[i].seen_counter);
        assert_true(hlc_next(&next, seen, cases[i].now_ms, NULL));
        assert_true(next == hlc_make(cases[i].next_ms, cases[i].next_counter));
        assert_true(next > seen);
    }
    assert_false(hlc_next(&next, hlc_make(301001, 0), 1000, &err));
    assert_string_equal(err.text,
                        "the clock here is 300 s behind what was written already: set it right");
    assert_true(hlc_is_ahead(hlc_make(301001, 0), 1000));
    assert_false(hlc_is_ahead(hlc_make(301000, 0xffff), 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spelling),
                                       cmocka_unit_test(test_next)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
