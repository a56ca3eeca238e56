/* The ordered map holds what a sorted array of the same keys holds, in the same order. */
#include <stdlib.h>

#include "client/trie.h"
#include "shared/arena.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 300, KEYS_MAX = 200, KEY_BYTES_MAX = 6 };

struct entry {
    char bytes[KEY_BYTES_MAX];
    struct span key;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t shorter = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->bytes, y->bytes, shorter);
    return order != 0 ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static void check(struct entry *entries, size_t count)
{
    struct arena arena = {0};
    struct trie trie = {0};
    for (size_t i = 0; i < count; i++) {
        size_t len = random_below(KEY_BYTES_MAX + 1);
        for (size_t j = 0; j < len; j++)
            entries[i].bytes[j] = "\0ab\x80\xff"[random_below(5)];
        entries[i].key = (struct span){entries[i].bytes, len};
        trie_put(&trie, &arena, entries[i].key, &entries[i]);
    }
    for (size_t i = 0; i < count; i++)
        entries[i].key.at = entries[i].bytes;
    qsort(entries, count, sizeof *entries, compare);
    const struct trie_node *node = trie.first;
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        struct span key = {entries[i].bytes, entries[i].key.len};
        if (i > 0 && compare(&entries[i], &entries[i - 1]) == 0)
            continue;
        distinct++;
        assert_non_null(node);
        assert_true(span_eq(node->key, key));
        assert_non_null(trie_get(&trie, key));
        node = node->next;
    }
    assert_null(node);
    assert_int_equal(trie.count, distinct);
    arena_clear(&arena);
}

static void test_sorted(void **state)
{
    static struct entry entries[KEYS_MAX];
    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        check(entries, 1 + random_below(KEYS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sorted)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
