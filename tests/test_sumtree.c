/* Merkle sum trees: against the definition, written down as it reads. */
#include "shared/sumtree.h"

#include <endian.h>

#include "shared/sig.h"
#include "tests/random.h"
#include "tests/test.h"

enum { LEAVES_MAX = 70 };

struct leaf {
    struct bytes33 key;
    uint64_t amount;
};

// NOLINTNEXTLINE(misc-no-recursion): as the definition is
static struct sumtree_root define(const struct leaf *leaves, uint32_t count)
{
    struct sumtree_root root = {0};
    if (count == 0) {
        root.hash = sig_sha256((struct span){0});
        return root;
    }
    if (count == 1) {
        struct {
            uint8_t bytes[42];
        } text = {{0}};
        uint64_t amount = htobe64(leaves->amount);
        memcpy(text.bytes + 1, &amount, 8);
        memcpy(text.bytes + 9, leaves->key.at, 33);
        return (struct sumtree_root){leaves->amount, sig_sha256(SPAN_OF(text))};
    }
    uint32_t left = 1;
    while (left * 2 < count)
        left *= 2;
    struct sumtree_root parts[] = {define(leaves, left), define(leaves + left, count - left)};
    struct {
        uint8_t bytes[81];
    } text = {{1}};
    for (size_t i = 0; i < 2; i++) {
        uint64_t sum = htobe64(parts[i].sum);
        memcpy(text.bytes + 1 + 40 * i, &sum, 8);
        memcpy(text.bytes + 9 + 40 * i, &parts[i].hash, 32);
    }
    return (struct sumtree_root){parts[0].sum + parts[1].sum, sig_sha256(SPAN_OF(text))};
}

static void fill(struct leaf leaves[LEAVES_MAX])
{
    for (int i = 0; i < LEAVES_MAX; i++) {
        leaves[i].amount = random_below(1000);
        for (size_t k = 0; k < sizeof leaves[i].key; k++)
            leaves[i].key.at[k] = (uint8_t)random_below(256);
    }
}

static void test_definition(void **state)
{
    struct leaf leaves[LEAVES_MAX];
    struct sumtree tree = {0};
    (void)state;
    fill(leaves);
    for (uint32_t i = 0; i <= LEAVES_MAX; i++) {
        struct sumtree_root expected = define(leaves, i);
        struct sumtree_root root = sumtree_root(&tree);
        assert_int_equal(root.sum, expected.sum);
        assert_memory_equal(&root.hash, &expected.hash, sizeof root.hash);
        if (i < LEAVES_MAX)
            assert_true(sumtree_add(&tree, SPAN_OF(leaves[i].key), leaves[i].amount));
    }
}

/* Neither the order, nor an amount, nor where one key ends can be changed unseen. */
static void test_changes(void **state)
{
    struct sumtree trees[3] = {0};
    (void)state;
    assert_true(sumtree_add(&trees[0], SPAN("a"), 1) && sumtree_add(&trees[0], SPAN("b"), 1));
    assert_true(sumtree_add(&trees[1], SPAN("b"), 1) && sumtree_add(&trees[1], SPAN("a"), 1));
    assert_true(sumtree_add(&trees[2], SPAN("a"), 2) && sumtree_add(&trees[2], SPAN("b"), 0));
    struct sumtree_root one = sumtree_root(&trees[0]);
    for (int i = 1; i < 3; i++) {
        struct sumtree_root other = sumtree_root(&trees[i]);
        assert_int_equal(other.sum, one.sum);
        assert_memory_not_equal(&other.hash, &one.hash, sizeof one.hash);
    }
}

static void test_overflow(void **state)
{
    struct sumtree tree = {0};
    (void)state;
    assert_true(sumtree_add(&tree, SPAN("a"), UINT64_MAX - 1));
    assert_false(sumtree_add(&tree, SPAN("b"), 2));
    struct sumtree_root root = sumtree_root(&tree);
    assert_int_equal(root.sum, UINT64_MAX - 1);
    assert_true(sumtree_add(&tree, SPAN("b"), 1));
    root = sumtree_root(&tree);
    assert_int_equal(root.sum, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_overflow),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
