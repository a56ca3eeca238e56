/* Hex: every byte there and back; nothing but lowercase of the exact length. */
#include "shared/hex.h"

#include "tests/test.h"

static void test_every_byte(void **state)
{
    uint8_t in[256], out[256];
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    hex_encode(text, in, sizeof in);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 6);
    assert_true(hex_decode(out, sizeof out, SPAN_OF(text)));
    assert_memory_equal(in, out, sizeof in);
}

/* In both halves of a byte, every character but the sixteen is refused. */
static void test_every_character(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t out;
        char high[] = {(char)c, '0'}, low[] = {'0', (char)c};
        bool is_digit = c != 0 && strchr("0123456789abcdef", c) != NULL;
        assert_int_equal(hex_decode(&out, 1, SPAN_OF(high)), is_digit);
        assert_int_equal(hex_decode(&out, 1, SPAN_OF(low)), is_digit);
    }
}

static void test_length(void **state)
{
    uint8_t out[2];
    (void)state;
    assert_true(hex_decode(out, 2, SPAN("beef")));
    assert_int_equal(out[0] << 8 | out[1], 0xbeef);
    assert_false(hex_decode(out, 2, SPAN("bee")));
    assert_false(hex_decode(out, 2, SPAN("beef0")));
    assert_false(hex_decode(out, 2, SPAN("")));
    assert_true(hex_decode(out, 0, (struct span){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_byte),
                                       cmocka_unit_test(test_every_character),
                                       cmocka_unit_test(test_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
