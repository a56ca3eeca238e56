/* Long texts in pieces: which ways there are, and where each cuts. */
#include "client/slice.h"

#include "shared/err.h"
#include "tests/test.h"

static struct slice read(const char *word)
{
    struct slice slice;
    struct err err;
    assert_true(slice_read(&slice, (struct span){word, strlen(word)}, &err));
    return slice;
}

static void expect(const char *how, const char *text, const char *const *pieces, size_t count)
{
    struct slice slice = read(how);
    struct span rest = {text, strlen(text)}, piece;
    for (size_t i = 0; i < count; i++) {
        assert_true(slice_next(&slice, &piece, &rest));
        assert_int_equal(piece.len, strlen(pieces[i]));
        assert_memory_equal(piece.at, pieces[i], piece.len);
    }
    assert_false(slice_next(&slice, &piece, &rest));
}
#define EXPECT(how, text, ...)                                       \
    do {                                                             \
        const char *const pieces[] = {__VA_ARGS__};                  \
        expect(how, text, pieces, sizeof pieces / sizeof pieces[0]); \
    } while (0)

static void test_ways(void **state)
{
    static const char *const wrong[] = {
        "",        "nothing", "size:",    "size:15",    "size:1048577",
        "size:-1", "size:x",  "sizes:20", "paragraph:2"};
    struct slice slice;
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(slice_read(&slice, (struct span){wrong[i], strlen(wrong[i])}, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    assert_int_equal(read("none").way, SLICE_NONE);
    assert_int_equal(read("size").bytes_max, SLICE_BYTES_PRESET);
    assert_int_equal(read("size:16").bytes_max, SLICE_BYTES_MIN);
    assert_int_equal(read("size:1048576").bytes_max, SLICE_BYTES_MAX);
}

static void test_none(void **state)
{
    (void)state;
    EXPECT("none", "a b\n\nc", "a b\n\nc");
    expect("none", "", NULL, 0);
}

static void test_paragraphs(void **state)
{
    (void)state;
    EXPECT("paragraph", "one\ntwo\n\nthree", "one\ntwo\n\n", "three");
    EXPECT("paragraph", "\n\n  one\r\n \r\n\n  two\n\n\n", "\n\n  one\r\n \r\n\n", "  two\n\n\n");
    EXPECT("paragraph", "one \n two", "one \n two");
    EXPECT("paragraph", " \n\n ", " \n\n ");
}

static void test_sizes(void **state)
{
    (void)state;
    EXPECT("size:16", "one two three four five", "one two three ", "four five");
    EXPECT("size:16", "0123456789abcdef next", "0123456789abcdef", " next");
    EXPECT("size:16", "0123456789abcdefg", "0123456789abcdef", "g");
    EXPECT("size:16", "0123456789abcdef", "0123456789abcdef");
    /* No character is cut: the sixth of three bytes would end at 18. */
    EXPECT("size:16", "\u20AC\u20AC\u20AC\u20AC\u20AC\u20AC", "\u20AC\u20AC\u20AC\u20AC\u20AC",
           "\u20AC");
}

static void test_trim(void **state)
{
    (void)state;
    assert_int_equal(slice_trim(SPAN(" \n\t\r\v\f")).len, 0);
    assert_true(span_eq(slice_trim(SPAN("\n a b\n\n")), SPAN("a b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),       cmocka_unit_test(test_none),
        cmocka_unit_test(test_paragraphs), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
