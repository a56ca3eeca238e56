/* The values of words of any prefix, as invoices are. */
#include "shared/bech32.h"
#include "shared/text.h"
#include "tests/test.h"

/* Words of any prefix, the "1" in which belongs to it unless it is the last. */
static void test_values(void **state)
{
    uint8_t values[BECH32_CHARS_MAX];
    struct text word = {0};
    struct span prefix;
    size_t count;
    (void)state;
    const uint8_t bytes[] = {0xff, 0x00, 0x01};
    bech32_write_bytes(&word, SPAN("a1b"), bytes, sizeof bytes);
    assert_true(bech32_read_values(values, &count, &prefix, text_span(&word), NULL));
    assert_true(span_eq(prefix, SPAN("a1b")));
    assert_int_equal(count, 5);
    const uint8_t wanted[] = {31, 28, 0, 0, 2};
    assert_memory_equal(values, wanted, sizeof wanted);
    for (size_t i = 0; i < word.len; i++)
        word.at[i] = (char)(word.at[i] >= 'a' ? word.at[i] - ('a' - 'A') : word.at[i]);
    assert_true(bech32_read_values(values, &count, &prefix, text_span(&word), NULL));
    assert_true(span_eq(prefix, SPAN("A1B")));
    word.at[word.len - 1] = word.at[word.len - 1] == 'Q' ? 'P' : 'Q';
    assert_false(bech32_read_values(values, &count, &prefix, text_span(&word), NULL));
    static const char *const wrong[] = {"", "1qqqqqq", "qqqqqq", "a1qqq", "a1Qqqqqqq", "a1bqqqqq"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(bech32_read_values(values, &count, &prefix,
                                        (struct span){wrong[i], strlen(wrong[i])}, NULL));
    text_clear(&word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
