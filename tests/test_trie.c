/* The ordered map: keys that begin or are part of each other, zero bytes, replacement. */
#include "client/trie.h"

#include "shared/arena.h"
#include "tests/test.h"

static void test_order(void **state)
{
    static const struct span keys[] = {{"b", 1},  {"", 0},     {"a\0b", 3}, {"a", 1},
                                       {"aa", 2}, {"a\0", 2},  {"\xff", 1}, {"\0", 1},
                                       {"ab", 2}, {"\0\0", 2}, {"b", 1}};
    static const struct span sorted[] = {{"", 0},    {"\0", 1},   {"\0\0", 2}, {"a", 1},
                                         {"a\0", 2}, {"a\0b", 3}, {"aa", 2},   {"ab", 2},
                                         {"b", 1},   {"\xff", 1}};
    int values[ARRAY_LEN(keys)];
    struct arena arena = {0};
    struct trie trie = {0};
    (void)state;
    assert_null(trie_get(&trie, SPAN("a")));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        trie_put(&trie, &arena, keys[i], &values[i]);
        assert_ptr_equal(trie_get(&trie, keys[i]), &values[i]);
    }
    assert_int_equal(trie.count, ARRAY_LEN(sorted));
    assert_null(trie_get(&trie, SPAN("abc")));
    assert_null(trie_get(&trie, SPAN("c")));
    size_t i = 0;
    for (const struct trie_node *node = trie.first; node != NULL; node = node->next, i++)
        assert_true(span_eq(node->key, sorted[i]));
    assert_int_equal(i, ARRAY_LEN(sorted));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
