/* What a node tells of a job. */
#include "client/standing.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "tests/test.h"

static struct arena arena;

static bool reads(struct standing *standing, const char *json)
{
    struct err err;
    return standing_read(standing, &arena, (struct span){json, strlen(json)}, &err);
}

static void test_reads(void **state)
{
    struct standing standing;
    (void)state;
    assert_true(reads(&standing,
                      "{\"job\":\"q\",\"state\":\"COMPLETED\",\"windows\":2,\"text\":\"a\\nb\","
                      "\"prompt_tokens\":3,\"cached_tokens\":1,\"output_tokens\":4,\"cost\":5,"
                      "\"cut\":true,\"why\":\"\",\"receipt\": {\"kind\":8430},"
                      "\"quote\":{\"state\":\"PAID\"}}"));
    assert_true(span_eq(standing.job, SPAN("q")));
    assert_true(span_eq(standing.text, SPAN("a\nb")));
    assert_true(span_eq(standing.receipt, SPAN("{\"kind\":8430}")));
    assert_true(span_eq(standing.quote, SPAN("{\"state\":\"PAID\"}")));
    assert_int_equal(standing.windows, 2);
    assert_int_equal(standing.prompt_tokens, 3);
    assert_int_equal(standing.output_tokens, 4);
    assert_int_equal(standing.cost, 5);
    assert_true(standing.is_cut && standing_has_ended(&standing));
    assert_true(reads(&standing, "{\"job\":\"q\",\"state\":\"RUNNING\",\"receipt\":null}"));
    assert_int_equal(standing.receipt.len, 0);
    assert_int_equal(standing.text.len, 0);
    assert_false(standing_has_ended(&standing));
}

static void test_refuses(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"job\":\"q\"}",
        "{\"state\":\"RUNNING\"}",
        "{\"job\":\"q\",\"state\":\"RUNNING\"",
        "{\"job\":\"q\",\"state\":\"RUNNING\"}x",
        "{\"job\":1,\"state\":\"RUNNING\"}",
        "{\"job\":\"q\",\"state\":\"RUNNING\",\"cost\":-1}",
        "{\"job\":\"q\",\"state\":\"RUNNING\",\"output_tokens\":4294967296}",
        "{\"job\":\"q\",\"state\":\"RUNNING\",\"cut\":1}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct standing standing;
        assert_false(reads(&standing, wrong[i]));
    }
}

static int end(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads),
                                       cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, end);
}
