/* NIP-45's sketches: where a filter looks, what a key writes, how it is written. The expected
 * values were worked out from the NIP's words with another program's SHA-256. */
#include "shared/hll.h"

#include "shared/arena.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/random.h"
#include "tests/test.h"

#define KEY "6162636465666768696a6b6c6d6e6f70f172737475767778797a303132333435"
#define LOW                            \
    "00000000000000000000000000000000" \
    "0fffffffffffffffffffffffffffffff"

static bool begin(struct hll *hll, const char *text)
{
    struct arena arena = {0};
    struct filter filter;
    assert_true(filter_parse(&filter, &arena, quoted(&arena, text), NULL));
    bool is_good = hll_begin(hll, &filter);
    arena_clear(&arena);
    return is_good;
}

static void test_offset(void **state)
{
    static const struct {
        const char *filter;
        int offset; /* 0: none */
    } cases[] = {
        {"{'#p':['" KEY "'],'kinds':[3]}", 23},
        {"{'#e':['" LOW "']}", 8},
        {"{'&e':['" LOW "']}", 8},
        {"{'#q':['" LOW "'],'kinds':[1,1111],'since':5}", 8},
        {"{'#q':['" LOW "'],'authors':['" KEY "']}", 0},
        {"{'#a':['30023:" KEY ":name']}", 23},
        {"{'#a':['30023:" LOW ":']}", 8},
        {"{'#a':['30023:6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435:a:b']}",
         9},
        {"{'#a':['30023:6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435']}", 11},
        {"{'#t':['ABCDEF0000000000000000000000000000000000000000000000000000000000']}", 18},
        {"{'#t':['nostr']}", 12},
        {"{'#t':['']}", 10},
        {"{'#t':['a','b']}", 0},
        {"{'&t':['a','b']}", 0},
        {"{'#t':['a'],'#e':['" KEY "']}", 0},
        {"{'#t':[]}", 0},
        {"{'kinds':[3]}", 0},
        {"{}", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hll hll;
        print_message("%s\n", cases[i].filter);
        assert_int_equal(begin(&hll, cases[i].filter), cases[i].offset > 0);
        assert_int_equal(hll.offset, cases[i].offset);
    }
}

/* Offset 8: byte 8 names the register, the zeros are those of bytes 9 to 15. */
static void test_add(void **state)
{
    static const struct {
        uint8_t bytes[8];
        int value;
    } cases[] = {
        {{0x2a, 0xff}, 1},
        {{0x2a, 0x80}, 1},
        {{0x2a, 0x7f, 0xff}, 2},
        {{0x2b, 0x01}, 8},
        {{0x2c, 0x00, 0x80}, 9},
        {{0x2d, 0, 0, 0, 0, 0, 0, 1}, 56},
        {{0x00, 0, 0, 0, 0, 0, 0, 0}, 57},
        {{0xff, 0, 0, 0, 0, 0, 0, 0}, 57},
    };
    struct hll hll;
    (void)state;
    assert_true(begin(&hll, "{'#e':['" LOW "']}"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes32 key;
        memset(key.at, i % 2 == 0 ? 0xff : 0, sizeof key.at); /* the other bytes play no part */
        memcpy(&key.at[8], cases[i].bytes, sizeof cases[i].bytes);
        hll_add(&hll, &key);
        assert_int_equal(hll.registers[cases[i].bytes[0]], cases[i].value);
    }
    struct bytes32 less = {{[8] = 0x2b, [9] = 0x80}};
    hll_add(&hll, &less); /* what is there is greater */
    assert_int_equal(hll.registers[0x2b], 8);
    assert_int_equal(hll.registers[0x2a], 2);
    assert_int_equal(hll.registers[0x29], 0);
}

static void test_write(void **state)
{
    struct hll hll;
    struct text text = {0};
    (void)state;
    assert_true(begin(&hll, "{'#p':['" KEY "']}"));
    hll.registers[0] = 1;
    hll.registers[255] = HLL_VALUE_MAX;
    hll_write(&text, &hll);
    assert_int_equal(text.len, 512);
    assert_memory_equal(text.at, "0100", 4);
    assert_memory_equal(text.at + 508, "0039", 4);
    text_clear(&text);
}

/* Two sketches merged are the sketch of both, and 2,000 people are seen as about so many. */
static void test_merge(void **state)
{
    enum { PEOPLE = 2000 };
    struct hll both, sides[2];
    double sum = 0;
    (void)state;
    assert_true(begin(&both, "{'#t':['nostr']}"));
    sides[0] = sides[1] = both;
    for (int i = 0; i < PEOPLE; i++) {
        struct bytes32 key;
        for (size_t j = 0; j < sizeof key.at; j++)
            key.at[j] = (uint8_t)random_below(256);
        hll_add(&both, &key);
        hll_add(&sides[i % 2], &key);
        hll_add(&sides[i % 3 == 0], &key);
    }
    for (int i = 0; i < HLL_REGISTERS; i++) {
        uint8_t most = sides[0].registers[i];
        if (sides[1].registers[i] > most)
            most = sides[1].registers[i];
        assert_int_equal(both.registers[i], most);
        sum += 1 / (double)((uint64_t)1 << both.registers[i]);
    }
    double estimate = 0.7182725932495458 * HLL_REGISTERS * HLL_REGISTERS / sum;
    assert_true(estimate > PEOPLE * 0.6 && estimate < PEOPLE * 1.4); /* six standard errors */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offset),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
