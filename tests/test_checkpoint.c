/* Checkpoints: written and read again the same, refused, and compared. */
#include "client/blob.h"
#include "client/checkpoint.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

static struct arena arena;

static struct bytes32 id(size_t n)
{
    return sig_sha256(SPAN_OF(n));
}

static struct bytes32 ids[CHECKPOINT_HEADS_MAX + 1];

static struct checkpoint made(uint32_t heads, uint32_t grounds)
{
    struct checkpoint checkpoint = {.root = id(1000),
                                    .heads = ids,
                                    .head_count = heads,
                                    .has_circle = grounds > 0,
                                    .circle = id(1001),
                                    .grounds = ids,
                                    .ground_count = grounds,
                                    .covers = {{1, 2, 3}},
                                    .count = 7,
                                    .upto = UINT64_C(0x018bcfe5687b0000),
                                    .state = SPAN("{\"state\":{\"type\":\"note\"}}")};
    checkpoint.hash = sig_sha256(checkpoint.state);
    return checkpoint;
}

/* As everybody else reads it. */
static bool reads(struct checkpoint *read, struct draft *draft, const char *why)
{
    struct event event;
    struct err err = {.text = ""};
    draft_finish(draft, &event, &arena);
    draft_clear(draft);
    assert_int_equal(event.kind, KIND_CHECKPOINT);
    bool ok = checkpoint_parse(read, &arena, &event, &err);
    assert_string_equal(err.text, why);
    return ok;
}

static void test_read(void **state)
{
    static const uint32_t counts[][2] = {{1, 0}, {1, 1}, {CHECKPOINT_HEADS_MAX, 3}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct checkpoint read, said = made(counts[i][0], counts[i][1]);
        struct draft draft = {0};
        checkpoint_draft(&draft, &said);
        draft_tag_pair(&draft, SPAN("t"), SPAN("more"));
        draft_tag_id(&draft, SPAN("e"), &said.circle, SPAN("mention"));
        draft_tag_id(&draft, SPAN("e"), &ids[0], SPAN("prev")); /* twice is once */
        draft_tag(&draft, (struct span[]){SPAN("-")}, 1);
        assert_true(reads(&read, &draft, ""));
        assert_int_equal(read.head_count, said.head_count);
        assert_int_equal(read.ground_count, said.ground_count);
        assert_memory_equal(read.heads, ids, read.head_count * sizeof *ids);
        assert_true(read.has_circle == said.has_circle);
        assert_true(span_eq(read.state, said.state));
        assert_null(checkpoint_compare(&said, &read));
        arena_clear(&arena);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *tag, *why;
    } cases[] = {
        {"[\"e\",\"00\",\"\",\"prev\"]", "a checkpoint whose tag e cannot be read"},
        {"[\"e\",\"00\",\"\",\"auth\"]", "a checkpoint whose tag e cannot be read"},
        {"[\"e\",\"00\",\"\",\"root\"]", "a checkpoint whose tag e cannot be read"},
        {"[\"h\",\"room\"]", "a checkpoint whose tag h cannot be read"},
        {"[\"fp\",\"00\",\"1\"]", "a checkpoint whose tag fp cannot be read"},
        {"[\"fp\",\"00000000000000000000000000000000\"]",
         "a checkpoint whose tag fp cannot be read"},
        {"[\"fp\",\"00000000000000000000000000000000\",\"x\"]",
         "a checkpoint whose tag fp cannot be read"},
        {"[\"state\",\"00\"]", "a checkpoint whose tag state cannot be read"},
        {"[\"upto\",\"0\"]", "a checkpoint whose tag upto cannot be read"},
    };
    struct checkpoint read, said = made(1, 0);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct draft draft = {0};
        checkpoint_draft(&draft, &said);
        text_addf(&draft.tags, ",%s", cases[i].tag);
        assert_false(reads(&read, &draft, cases[i].why));
    }
    struct draft draft = {.kind = KIND_CHECKPOINT};
    assert_false(reads(&read, &draft, "a checkpoint without its entity, heads, fp, state or upto"));
    said = made(CHECKPOINT_HEADS_MAX + 1, 0);
    checkpoint_draft(&draft, &said);
    assert_false(reads(&read, &draft, "a checkpoint whose tag e cannot be read"));
    said = made(1, 0);
    said.has_circle = true;
    checkpoint_draft(&draft, &said);
    assert_false(reads(&read, &draft, "a checkpoint of a circle and none of its history"));
    said = made(1, 0);
    said.state = SPAN("{}");
    checkpoint_draft(&draft, &said);
    assert_false(reads(&read, &draft, "a state that is not what is hashed"));
    struct text large = {0};
    while (large.len <= CHECKPOINT_STATE_BYTES_MAX)
        text_add(&large, SPAN("{}"));
    said.state = text_span(&large);
    said.hash = sig_sha256(said.state);
    checkpoint_draft(&draft, &said);
    assert_false(reads(&read, &draft, "a state of over 32768 bytes"));
    text_clear(&large);
    arena_clear(&arena);
}

/* A large state is named, and is in pieces. */
static void test_pieces(void **state)
{
    struct checkpoint read, said = made(1, 0);
    struct text large = {0};
    (void)state;
    text_add(&large, SPAN("["));
    while (large.len < BLOB_BYTES_MAX)
        text_add(&large, SPAN("123456789,"));
    said.state = (struct span){large.at, CHECKPOINT_STATE_BYTES_MAX};
    checkpoint_fit(&said, CHECKPOINT_STATE_BYTES_MAX);
    assert_int_equal(said.size, 0);
    assert_int_equal(said.state.len, CHECKPOINT_STATE_BYTES_MAX);
    said.state.len = BLOB_BYTES_MAX;
    said.hash = sig_sha256(said.state);
    checkpoint_fit(&said, CHECKPOINT_STATE_BYTES_MAX);
    assert_int_equal(said.size, BLOB_BYTES_MAX);
    struct draft draft = {0};
    checkpoint_draft(&draft, &said);
    assert_int_equal(draft.content.len, 0);
    assert_true(reads(&read, &draft, ""));
    assert_int_equal(read.size, BLOB_BYTES_MAX);
    assert_true(checkpoint_agrees(&read, &said));
    read.root = ids[3];
    assert_false(checkpoint_agrees(&read, &said));
    said.state.len++;
    checkpoint_fit(&said, CHECKPOINT_STATE_BYTES_MAX);
    assert_int_equal(said.size, 0);
    assert_int_equal(said.state.len, 0);
    text_clear(&large);

    static const struct {
        const char *size, *why;
    } cases[] = {
        {"\"0\"", "a state of no bytes, or of over 16777216"},
        {"\"16777217\"", "a state of no bytes, or of over 16777216"},
        {"\"x\"", "a checkpoint whose tag x cannot be read"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        said.state = SPAN("");
        checkpoint_draft(&draft, &said);
        text_add(&draft.tags, SPAN(",[\"x\",\""));
        text_add_hex(&draft.tags, said.hash.at, sizeof said.hash.at);
        text_addf(&draft.tags, "\",%s]", cases[i].size);
        assert_false(reads(&read, &draft, cases[i].why));
    }
    said.size = 7;
    checkpoint_draft(&draft, &said);
    text_addf(&draft.tags, ",[\"x\",\"%064d\",\"7\"]", 0);
    assert_false(reads(&read, &draft, "a state that is not what is hashed"));
    arena_clear(&arena);
}

static void test_compared(void **state)
{
    const struct checkpoint said = made(2, 0);
    struct checkpoint other = said;
    (void)state;
    other.count++;
    assert_string_equal(checkpoint_compare(&said, &other),
                        "it says that it covers other events than its heads do");
    other = said;
    other.covers.at[0] ^= 1;
    assert_string_equal(checkpoint_compare(&said, &other),
                        "it says that it covers other events than its heads do");
    other = said;
    other.upto++;
    assert_string_equal(checkpoint_compare(&said, &other), "its last event has another time");
    other = said;
    other.hash = ids[0];
    assert_string_equal(checkpoint_compare(&said, &other), "these events come to another state");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_compared)};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = id(i);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
