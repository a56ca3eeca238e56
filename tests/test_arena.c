/* Arenas: what they hand out, and that they abort rather than fail. */
#include "shared/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "tests/abort.h"
#include "tests/test.h"

static void test_zeroed_and_aligned(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 16, 17, 1000, 16384, 16385, 100000};
    struct arena arena = {0};
    (void)state;
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            unsigned char *at = arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(at[j], 0);
            memset(at, 0xff, sizes[i]);
        }
    }
    arena_clear(&arena);
}

/* What was handed out stays apart and unmoved while more is. */
static void test_disjoint(void **state)
{
    enum { COUNT = 3000 };
    uint32_t **rows = calloc(COUNT, sizeof *rows);
    struct arena arena = {0};
    (void)state;
    assert_non_null(rows);
    for (uint32_t i = 0; i < COUNT; i++) {
        rows[i] = arena_array(&arena, uint32_t, i % 13 + 1);
        for (uint32_t j = 0; j <= i % 13; j++)
            rows[i][j] = i;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        for (uint32_t j = 0; j <= i % 13; j++)
            assert_int_equal(rows[i][j], i);
    arena_clear(&arena);
    free(rows);
}

static void test_clear(void **state)
{
    struct arena arena = {0};
    (void)state;
    arena_clear(&arena); /* an empty one */
    arena_alloc(&arena, 10);
    assert_non_null(arena.head);
    arena_clear(&arena);
    assert_null(arena.head);
    assert_int_equal(arena.used, 0);
    arena_alloc(&arena, 10); /* usable again */
    arena_clear(&arena);
}

static void test_copy(void **state)
{
    struct arena arena = {0};
    char text[] = "herring";
    (void)state;
    struct span copy = arena_copy(&arena, (struct span){text, 7});
    memset(text, 'x', sizeof text);
    assert_int_equal(copy.len, 7);
    assert_string_equal(copy.at, "herring");
    copy = arena_copy(&arena, (struct span){NULL, 0});
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.at, "");
    arena_clear(&arena);
}

static void test_grow(void **state)
{
    struct arena arena = {0};
    uint32_t *array = arena_grow(&arena, uint32_t, NULL, 0), moves = 1;
    (void)state;
    array[0] = 0;
    for (uint32_t count = 1; count < 1000; count++) {
        uint32_t *grown = arena_grow(&arena, uint32_t, array, count);
        moves += grown != array;
        array = grown;
        array[count] = count;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(array[i], i);
    assert_int_equal(moves, 8); /* 8, 16, ... 1024 */
    arena_clear(&arena);
}

static struct arena doomed;

static void ask_past_all_sizes(void)
{
    arena_alloc(&doomed, SIZE_MAX / 2 + 1);
}

static void ask_past_all_memory(void)
{
    arena_alloc(&doomed, SIZE_MAX / 2 - 1024);
}

static void ask_for_an_overflowing_array(void)
{
    arena_array(&doomed, uint64_t, SIZE_MAX / 8 + 1);
}

static void test_abort(void **state)
{
    (void)state;
    assert_true(abort_by(ask_past_all_sizes));
    assert_true(abort_by(ask_past_all_memory));
    assert_true(abort_by(ask_for_an_overflowing_array));
    assert_null(doomed.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zeroed_and_aligned),
                                       cmocka_unit_test(test_disjoint),
                                       cmocka_unit_test(test_clear),
                                       cmocka_unit_test(test_copy),
                                       cmocka_unit_test(test_grow),
                                       cmocka_unit_test(test_abort)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
