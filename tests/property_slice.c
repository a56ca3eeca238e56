/* The laws of slicing (fuzz_slice.c): texts of words, of blank lines, without any space. */
#include "client/slice.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 4000, WORDS_MAX = 40, LONG_WORD = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_word(struct text *text)
{
    static const char *const letters[] = {"a", "Z", "\u00e9", "\u20AC", "\U0001F600", "\u3000"};
    uint32_t len = random_below(random_below(8) == 0 ? LONG_WORD : 9);
    for (uint32_t i = 0; i < len; i++) {
        const char *letter = letters[random_below(6)];
        text_add(text, (struct span){letter, strlen(letter)});
    }
}

static void add_space(struct text *text)
{
    static const char spaces[] = "   \n\n\t\r";
    for (uint32_t count = random_below(5); count > 0; count--)
        text_add(text, (struct span){&spaces[random_below(sizeof spaces - 1)], 1});
}

static uint32_t count_pieces(struct span text, enum slice_way way)
{
    const struct slice slice = {.way = way, .bytes_max = SLICE_BYTES_MIN};
    struct span piece;
    uint32_t count = 0;
    while (slice_next(&slice, &piece, &text))
        count++;
    return count;
}

static void test_laws(void **state)
{
    struct text text = {0};
    uint32_t paragraphs = 0, pieces = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        text.len = 0;
        for (uint32_t words = random_below(WORDS_MAX); words > 0; words--) {
            add_word(&text);
            add_space(&text);
        }
        LLVMFuzzerTestOneInput((const uint8_t *)text.at, text.len);
        paragraphs += count_pieces(text_span(&text), SLICE_PARAGRAPH);
        pieces += count_pieces(text_span(&text), SLICE_SIZE);
    }
    assert_true(paragraphs > 2 * ROUNDS && pieces > 5 * ROUNDS);
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
