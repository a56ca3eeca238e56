/* Lists of the window: whatever is put in and taken out, in whatever order, they stay in order and
 * know what they take. */
#include "relay/window_list.h"

#include <stdlib.h>

#include "relay/window_entry.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ENTRIES = 3000 };

static struct window_entry *entries[ENTRIES]; /* oldest first */

static int start(void **state)
{
    (void)state;
    random_start();
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entries[i] = calloc(1, sizeof *entries[i]);
        assert_non_null(entries[i]);
        entries[i]->place = (struct store_cursor){.created_at = i / 3, .id_prefix = 2 - i % 3};
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ENTRIES; i++)
        free(entries[i]);
    return 0;
}

/* is_in says which of the entries are to be there. */
static void check(const struct window_list *list, const bool *is_in)
{
    struct window_walk walk = window_walk_begin(list, NULL);
    uint32_t count = 0;
    for (uint32_t i = ENTRIES; i-- > 0;)
        if (is_in[i]) {
            assert_ptr_equal(window_walk_next(&walk), entries[i]);
            count++;
        }
    assert_null(window_walk_next(&walk));
    assert_int_equal(list->count, count);

    uint32_t from = random_below(ENTRIES), next = from;
    while (next > 0 && !is_in[next - 1])
        next--;
    walk = window_walk_begin(list, &entries[from]->place);
    assert_ptr_equal(window_walk_next(&walk), next > 0 ? entries[next - 1] : NULL);

    uint32_t oldest = 0;
    while (oldest < ENTRIES && !is_in[oldest])
        oldest++;
    assert_ptr_equal(window_list_oldest(list), oldest < ENTRIES ? entries[oldest] : NULL);
}

static void empty(struct window_list *list, size_t *bytes)
{
    window_list_clear(list, bytes);
    assert_int_equal(*bytes, 0);
    assert_int_equal(list->count, 0);
}

/* At the newest end, at the oldest end, and out at the oldest end, as it mostly is. */
static void test_ends(void **state)
{
    static bool is_in[ENTRIES];
    struct window_list list = {0};
    size_t bytes = 0;
    (void)state;
    check(&list, is_in);
    for (uint32_t i = ENTRIES / 2; i < ENTRIES; i++) {
        window_list_add(&list, entries[i], &bytes);
        is_in[i] = true;
    }
    check(&list, is_in);
    assert_in_range(bytes, ENTRIES / 2 * sizeof(void *), ENTRIES * sizeof(void *));
    for (uint32_t i = ENTRIES / 2; i-- > 0;) {
        window_list_add(&list, entries[i], &bytes);
        is_in[i] = true;
    }
    check(&list, is_in);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        assert_ptr_equal(window_list_oldest(&list), entries[i]);
        window_list_remove(&list, entries[i], &bytes);
        is_in[i] = false;
        if (i % 500 == 0)
            check(&list, is_in);
    }
    assert_int_equal(bytes, 0);
    empty(&list, &bytes);
}

/* Anywhere, growing to all and shrinking to none several times. */
static void test_anywhere(void **state)
{
    static bool is_in[ENTRIES];
    struct window_list list = {0};
    size_t bytes = 0;
    (void)state;
    for (uint32_t step = 0; step < 40 * ENTRIES; step++) {
        uint32_t i = random_below(ENTRIES);
        bool is_growing = step / (4 * ENTRIES) % 2 == 0;
        if (is_in[i] != is_growing || random_below(8) == 0) {
            if (is_in[i])
                window_list_remove(&list, entries[i], &bytes);
            else
                window_list_add(&list, entries[i], &bytes);
            is_in[i] = !is_in[i];
        }
        if (step % 1000 == 0)
            check(&list, is_in);
    }
    check(&list, is_in);
    empty(&list, &bytes);
}

/* Most lists of a window hold one or two: they are to take next to nothing. */
static void test_few(void **state)
{
    struct window_list list = {0};
    size_t bytes = 0;
    (void)state;
    window_list_add(&list, entries[1], &bytes);
    window_list_add(&list, entries[0], &bytes);
    assert_int_equal(bytes, 32);
    window_list_remove(&list, entries[1], &bytes);
    assert_ptr_equal(window_list_oldest(&list), entries[0]);
    empty(&list, &bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends), cmocka_unit_test(test_anywhere),
                                       cmocka_unit_test(test_few)};
    return cmocka_run_group_tests(tests, start, stop);
}
