/* Lines of what comes in pieces, wherever it is cut; and lines that are too long. */
#include "client/line.h"

#include <stdlib.h>

#include "tests/test.h"

static struct text heard;

static void on_line(void *owner, struct span text)
{
    size_t *count = owner;
    ++*count;
    text_add(&heard, SPAN("<"));
    text_add(&heard, text);
    text_add(&heard, SPAN(">"));
}

static void expect(const char *wanted)
{
    assert_true(span_eq(text_span(&heard), (struct span){wanted, strlen(wanted)}));
    heard.len = 0;
}

static void test_cuts(void **state)
{
    static const char text[] = "data: a\r\n\n: no\ndata:b\nrest";
    (void)state;
    for (size_t size = 1; size <= sizeof text; size++) {
        struct line line = {0};
        size_t count = 0;
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            size_t left = sizeof text - 1 - at;
            line_add(&line, (struct span){text + at, left < size ? left : size}, on_line, &count);
        }
        assert_int_equal(count, 4);
        line_end(&line, on_line, &count);
        line_end(&line, on_line, &count);
        assert_int_equal(count, 5);
        expect("<data: a><><: no><data:b><rest>");
        line_clear(&line);
    }
}

/* The longest is heard; a longer one is not, and what comes behind it is. */
static void test_long(void **state)
{
    char *piece = calloc(1, LINE_BYTES_MAX + 1);
    (void)state;
    assert_non_null(piece);
    memset(piece, 'x', LINE_BYTES_MAX + 1);
    for (size_t past = 0; past <= 1; past++) {
        struct line line = {0};
        size_t count = 0;
        line_add(&line, (struct span){piece, LINE_BYTES_MAX + past}, on_line, &count);
        line_add(&line, SPAN("\nb\n"), on_line, &count);
        assert_int_equal(count, 2 - past);
        assert_int_equal(heard.len, past ? 3 : LINE_BYTES_MAX + 5);
        heard.len = 0;
        line_add(&line, (struct span){piece, LINE_BYTES_MAX}, on_line, &count);
        line_add(&line, (struct span){piece, past}, on_line, &count);
        line_end(&line, on_line, &count);
        line_add(&line, SPAN("c\n"), on_line, &count);
        assert_int_equal(count, past ? 2 : 4);
        heard.len = 0;
        line_clear(&line);
    }
    free(piece);
    text_clear(&heard);
}

static void test_data(void **state)
{
    struct span data;
    (void)state;
    assert_true(line_data(&data, SPAN("data: {}")) && span_eq(data, SPAN("{}")));
    assert_true(line_data(&data, SPAN("data:{}")) && span_eq(data, SPAN("{}")));
    assert_true(line_data(&data, SPAN("data:  x")) && span_eq(data, SPAN(" x")));
    assert_true(line_data(&data, SPAN("data:")) && data.len == 0);
    assert_false(line_data(&data, SPAN("event: change")));
    assert_false(line_data(&data, SPAN("data")));
    assert_false(line_data(&data, SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cuts), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
