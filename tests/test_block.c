/* Blocks: trees of RFC 6962 and what is proved by them; blocks, proofs and anchors that are not
 * what they say. */
#include "client/block.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define LEAF64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct arena arena;

static struct bytes32 id_of(const char *hex)
{
    struct bytes32 id;
    assert_true(hex_decode(id.at, sizeof id.at, (struct span){hex, strlen(hex)}));
    return id;
}

static struct bytes32 leaf(size_t n)
{
    return sig_sha256(SPAN_OF(n));
}

/* The three events of the chain that the rules give as their example. */
static void test_vector(void **state)
{
    const struct bytes32 ids[] = {
        id_of("f440d913394495fff298d898978c5db10e13dd13af8ead1a4068fdbf9d199c44"),
        id_of("3af651d7b192d539887dc225710380ecf333dedf5bb391e2d59273afa1a3c0b6"),
        id_of("5041d8943e3889b4ba2bc02494d3dee734af7a61441e3dd925c894be4b62df48")};
    const struct bytes32 wanted =
        id_of("a16759a881ce660ff09261ff783b8cab864bbde9fe7c29b565b80d98b9ceb8eb");
    const struct bytes32 root = merkle_root(ids, ARRAY_LEN(ids));
    const struct bytes32 none = merkle_root(ids, 0), nothing = sig_sha256(SPAN(""));
    (void)state;
    assert_memory_equal(&root, &wanted, sizeof root);
    assert_memory_equal(&none, &nothing, sizeof none);
}

static void check_proof(const struct merkle_proof *proof, const struct bytes32 *of,
                        const struct bytes32 *root)
{
    const struct bytes32 other = leaf(1000000);
    struct merkle_proof broken = *proof;
    struct bytes32 path[MERKLE_PATH_MAX];
    assert_true(merkle_verify(proof, of, root));
    assert_false(merkle_verify(proof, &other, root));
    assert_false(merkle_verify(proof, of, &other));
    for (size_t i = 0; i < proof->path_count; i++) {
        memcpy(path, proof->path, proof->path_count * sizeof *path);
        path[i].at[i % 32] ^= 1;
        broken.path = path;
        assert_false(merkle_verify(&broken, of, root));
    }
    path[proof->path_count] = other;
    broken = (struct merkle_proof){proof->index, proof->count, path, proof->path_count + 1};
    assert_false(merkle_verify(&broken, of, root));
    broken = (struct merkle_proof){proof->count, proof->count, proof->path, proof->path_count};
    assert_false(merkle_verify(&broken, of, root));
    if (proof->path_count > 0) {
        broken =
            (struct merkle_proof){proof->index, proof->count, proof->path, proof->path_count - 1};
        assert_false(merkle_verify(&broken, of, root));
    }
    broken = (struct merkle_proof){0};
    assert_false(merkle_verify(&broken, of, root));
}

/* Of each of the leaves of each small tree, and of no other. */
static void test_proofs(void **state)
{
    struct bytes32 leaves[40];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        leaves[i] = leaf(i);
    for (size_t count = 1; count <= ARRAY_LEN(leaves); count++) {
        const struct bytes32 root = merkle_root(leaves, count);
        for (size_t i = 0; i < count; i++) {
            const struct merkle_proof proof = merkle_prove(&arena, leaves, count, i);
            check_proof(&proof, &leaves[i], &root);
        }
        arena_clear(&arena);
    }
}

/* As a relay would give it. */
static struct event event_of(struct draft *draft)
{
    struct event event;
    draft_finish(draft, &event, &arena);
    draft_clear(draft);
    return event;
}

static bool reads(struct block *block, const struct event *event, const char *why)
{
    struct err err = {.text = ""};
    bool ok = block_parse(block, &arena, event, &err);
    assert_string_equal(err.text, ok ? "" : why);
    return ok;
}

static void test_read(void **state)
{
    struct bytes32 ids[BLOCK_IDS_MAX + 1];
    struct block block, made = {.ids = ids, .count = BLOCK_IDS_MAX};
    struct draft draft = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = leaf(i);
    made.has_entity = made.has_before = true;
    made.entity = leaf(7);
    made.before = leaf(8);
    block_draft(&draft, &made);
    draft_tag_id(&draft, SPAN("e"), &ids[9], SPAN("mention"));
    draft_tag_pair(&draft, SPAN("e"), SPAN("short"));
    struct event event = event_of(&draft);
    assert_int_equal(event.kind, KIND_BLOCK);
    assert_true(reads(&block, &event, ""));
    assert_int_equal(block.count, BLOCK_IDS_MAX);
    assert_memory_equal(block.ids, ids, block.count * sizeof *ids);
    assert_true(block.has_entity && block.has_before);
    assert_memory_equal(&block.entity, &made.entity, 32);
    assert_memory_equal(&block.before, &made.before, 32);
    assert_int_equal(block_find(&block, &ids[5]), 5);
    assert_int_equal(block_find(&block, &ids[BLOCK_IDS_MAX]), BLOCK_IDS_MAX);
    made.count++;
    draft = (struct draft){0};
    block_draft(&draft, &made);
    event = event_of(&draft);
    assert_false(reads(&block, &event, "a block of a wrong number of ids"));
    arena_clear(&arena);
}

static void test_refused(void **state)
{
    static const struct {
        const char *tags, *content, *why;
    } cases[] = {
        {"[]", "", "a block without its root"},
        {"[[\"mroot\",\"00\",\"1\"]]", "", "a block without its root"},
        {"[[\"mroot\",\"" ZEROS "\",\"x\"]]", "", "a block without its root"},
        {"[[\"mroot\",\"" ZEROS "\",\"1\"]]", "*", "a block whose ids cannot be read"},
        {"[[\"mroot\",\"" ZEROS "\",\"0\"]]", "", "a block of a wrong number of ids"},
        {"[[\"mroot\",\"" ZEROS "\",\"1\"]]", "AAAA", "a block of a wrong number of ids"},
        {"[[\"mroot\",\"" ZEROS "\",\"2\"]]", LEAF64, "a block of a wrong number of ids"},
        {"[[\"mroot\",\"" ZEROS "\",\"1\"]]", LEAF64, "a block whose root is not that of its ids"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = {.kind = KIND_BLOCK};
        struct block block;
        assert_true(event_parse_tags(&event, &arena,
                                     (struct span){cases[i].tags, strlen(cases[i].tags)}, NULL));
        event.content_json = (struct span){cases[i].content, strlen(cases[i].content)};
        assert_false(reads(&block, &event, cases[i].why));
        arena_clear(&arena);
    }
}

static void test_proof_json(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"id\":1}",
        "{\"index\":\"a\"}",
        "{\"index\":-1}",
        "{\"path\":{}}",
        "{\"path\":[\"00\"]}",
        "{\"path\":[]} x",
        "{\"other\":[1,}",
    };
    struct bytes32 leaves[5];
    struct block_proof read, proof = {.block = leaf(3)};
    struct text out = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        leaves[i] = leaf(i);
    proof.way = merkle_prove(&arena, leaves, ARRAY_LEN(leaves), 1);
    proof.id = leaves[1];
    proof.root = merkle_root(leaves, ARRAY_LEN(leaves));
    block_proof_write(&out, &proof);
    assert_true(block_proof_parse(&read, &arena, text_span(&out), NULL));
    assert_true(merkle_verify(&read.way, &read.id, &read.root));
    assert_memory_equal(&read.block, &proof.block, 32);
    out.len--;
    text_add(&out, SPAN(",\"more\":[{}]}"));
    assert_true(block_proof_parse(&read, &arena, text_span(&out), NULL));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(block_proof_parse(&read, &arena, (struct span){wrong[i], strlen(wrong[i])},
                                       &(struct err){0}));
    out.len = 0;
    text_add(&out, SPAN("{\"path\":["));
    for (int i = 0; i <= MERKLE_PATH_MAX; i++)
        text_addf(&out, "%s\"" ZEROS "\"", i > 0 ? "," : "");
    assert_false(block_proof_parse(&read, &arena, text_span(&out), NULL));
    while (out.len <= 100000)
        text_add(&out, SPAN(" "));
    assert_false(block_proof_parse(&read, &arena, text_span(&out), NULL));
    text_clear(&out);
    arena_clear(&arena);
}

static void test_anchors(void **state)
{
    static const char head[] =
        "\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
    const struct bytes32 id = leaf(1), other = leaf(2);
    struct text file = {0};
    struct draft draft = {0};
    struct bytes32 named;
    (void)state;
    text_add(&file, (struct span){head, sizeof head - 1});
    text_add(&file, SPAN_OF(id));
    assert_false(block_anchor_draft(&draft, &id, text_span(&file), NULL));
    text_add(&file, SPAN("\xf0"));
    assert_false(block_anchor_draft(&draft, &other, text_span(&file), NULL));
    assert_true(block_anchor_draft(&draft, &id, text_span(&file), NULL));
    struct event event = event_of(&draft);
    assert_true(block_anchor(&named, &arena, &event));
    assert_memory_equal(&named, &id, sizeof id);
    event.kind = 1;
    assert_false(block_anchor(&named, &arena, &event));
    event.kind = KIND_TIMESTAMP;
    event.content_json = SPAN("*");
    assert_false(block_anchor(&named, &arena, &event));
    event.tag_count = 0;
    assert_false(block_anchor(&named, &arena, &event));
    text_clear(&file);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),     cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_read),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_proof_json), cmocka_unit_test(test_anchors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
