/* Roots: the same however files are split, another for any change, kept and found again. */
#include "gpu/root.h"

#include <stdio.h>
#include <stdlib.h>

#include "gpu/model.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "tests/forge_folder.h"
#include "tests/forge_model.h"
#include "tests/test.h"

static struct forge_model made;

static void write_model(uint32_t files)
{
    struct text text = {0};
    forge_model_config(&made, "", &text);
    forge_folder_write("config.json", text_span(&text));
    for (uint32_t file = 0; file < files; file++) {
        char name[40] = "model.safetensors";
        if (files > 1)
            snprintf(name, sizeof name, "model-%u.safetensors", file);
        text.len = 0;
        forge_model_safetensors(&made, file, files, &text);
        forge_folder_write(name, text_span(&text));
    }
    text.len = 0;
    forge_model_index(&made, files, &text);
    if (files > 1)
        forge_folder_write("model.safetensors.index.json", text_span(&text));
    text_clear(&text);
}

static struct model open_model(void)
{
    struct model model;
    struct err err = {0};
    if (!model_open(&model, forge_folder_path(""), &err))
        fail_msg("%s", err.text);
    return model;
}

static struct bytes32 read_root(bool *was_kept, const char *kept)
{
    struct root root;
    struct model model = open_model();
    root_read(&root, &model, kept);
    struct bytes32 hash = root_whole(&root);
    if (was_kept != NULL)
        *was_kept = root.was_kept;
    root_clear(&root);
    model_close(&model);
    return hash;
}

/* A Merkle tree by its other definition: the left side is the largest power of two that leaves
 * something to the right. */
/* NOLINTNEXTLINE(misc-no-recursion): it is the definition */
static struct bytes32 tree_of(const struct bytes32 *leaves, size_t count)
{
    char pair[65] = {1};
    size_t left = 1;
    if (count == 1)
        return leaves[0];
    while (left * 2 < count)
        left *= 2;
    struct bytes32 sides[2] = {tree_of(leaves, left), tree_of(leaves + left, count - left)};
    memcpy(pair + 1, sides, 64);
    return sig_sha256(SPAN_OF(pair));
}

static void test_tree(void **state)
{
    struct root root;
    (void)state;
    write_model(1);
    struct model model = open_model();
    root_read(&root, &model, NULL);
    assert_false(root.was_kept);
    struct bytes32 expected = tree_of(root.leaves, model.weight_count);
    struct bytes32 whole = root_whole(&root);
    assert_memory_equal(&whole, &expected, 32);
    for (uint32_t first = 0; first < 3; first++) { /* 9 weights a layer, after the embedding */
        struct root_range range = {first, 3, false, false};
        struct bytes32 part;
        size_t from = 3;
        while (model.weights[from].id.layer < first)
            from++;
        expected = tree_of(&root.leaves[from], model.weight_count - from);
        assert_true(root_of(&part, &root, &range));
        assert_memory_equal(&part, &expected, 32);
    }
    struct root_range none = {1, 1, false, false};
    struct root_range head = {1, 1, false, true};
    assert_false(root_of(&whole, &root, &none));
    assert_true(root_of(&whole, &root, &head));
    root_clear(&root);
    model_close(&model);
}

/* A leaf's hash, from the words of the header. */
static void test_leaf(void **state)
{
    struct root root;
    struct text text = {0};
    (void)state;
    write_model(1);
    struct model model = open_model();
    root_read(&root, &model, NULL);
    const struct model_weight *weight =
        model_find(&model, (struct weight_id){.weight = WEIGHT_KEY, .layer = 1});
    struct bytes32 data = sig_sha256(weight->tensor->data);
    text_add(&text, SPAN("\0layers.1.key.weight\0BF16\0"));
    text_add(&text, SPAN("\x20\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0"));
    text_add(&text, SPAN_OF(data));
    struct bytes32 expected = sig_sha256(text_span(&text));
    assert_memory_equal(&root.leaves[weight - model.weights], &expected, 32);
    text_clear(&text);
    root_clear(&root);
    model_close(&model);
}

static void test_split_and_change(void **state)
{
    (void)state;
    forge_folder_empty();
    write_model(1);
    struct bytes32 one = read_root(NULL, NULL);
    forge_folder_empty();
    write_model(3);
    struct bytes32 three = read_root(NULL, NULL);
    assert_memory_equal(&one, &three, 32);
    made.seed++;
    write_model(3);
    three = read_root(NULL, NULL);
    assert_memory_not_equal(&one, &three, 32);
    made.seed--;
    forge_folder_empty();
}

static void test_kept(void **state)
{
    bool was_kept;
    char kept[300];
    (void)state;
    snprintf(kept, sizeof kept, "%s/kept", forge_folder_path(""));
    write_model(1);
    struct bytes32 first = read_root(&was_kept, kept);
    assert_false(was_kept);
    struct bytes32 second = read_root(&was_kept, kept);
    assert_true(was_kept);
    assert_memory_equal(&first, &second, 32);
    made.seed++; /* other weights in the same place */
    write_model(1);
    second = read_root(&was_kept, kept);
    assert_false(was_kept);
    assert_memory_not_equal(&first, &second, 32);
    char command[700];
    snprintf(command, sizeof command,
             "cd '%s' && for f in *; do printf x | dd of=$f bs=1 seek=9 "
             "conv=notrunc 2>/dev/null; done",
             kept);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    first = read_root(&was_kept, kept);
    assert_false(was_kept); /* what was kept is damaged, and not believed */
    assert_memory_equal(&first, &second, 32);
    first = read_root(&was_kept, "/proc/nowhere");
    assert_false(was_kept);
    snprintf(command, sizeof command, "rm -r '%s'", kept);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree), cmocka_unit_test(test_leaf),
                                       cmocka_unit_test(test_split_and_change),
                                       cmocka_unit_test(test_kept)};
    made = forge_model_of(FORGE_LLAMA, 5);
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
