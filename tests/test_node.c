/* An event's place in a history: from tags and back, and tags that give it none. */
#include "client/node.h"

#include "client/draft.h"
#include "client/hlc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HLC "['hlc','018bcfe5687b0000']"
#define ROOT "['e','" A "','','root']"
#define PREV "['e','" B "','','prev']"

static void test_parse(void **state)
{
    static const struct {
        const char *tags;
        uint16_t kind;
        int64_t created_at;
        const char *refusal;
    } cases[] = {
        {"[" HLC "]", KIND_OP, 1700000000, NULL},
        {"[" HLC "," ROOT "," PREV "]", KIND_OP, 1700000000, NULL},
        {"[" HLC "," ROOT "," PREV "," PREV "]", KIND_TEXT_UPDATE, 1700000000, NULL},
        {"[[],['t'],['e','x','','mention'],['e','x']," HLC "]", KIND_OP, 1700000000, NULL},
        {"[]", KIND_OP, 1700000000, "no hlc tag"},
        {"[" HLC "]", KIND_OP, 1700000001, "created_at is not the second of the hlc"},
        {"[" HLC ",['h','not hex'],['h','" A "']]", KIND_CIRCLE_OP, 1700000000, NULL},
        {"[" HLC "]", KIND_TEXT_UPDATE, 1700000000, "kind 1571 cannot create an entity"},
        {"[" HLC "," HLC "]", KIND_OP, 1700000000,
         "expected one hlc tag of 16 lowercase hex digits"},
        {"[['hlc','0']]", KIND_OP, 0, "expected one hlc tag of 16 lowercase hex digits"},
        {"[['hlc']]", KIND_OP, 0, "expected one hlc tag of 16 lowercase hex digits"},
        {"[" HLC "," ROOT "]", KIND_OP, 1700000000, "a root and no parents"},
        {"[" HLC "," PREV "]", KIND_OP, 1700000000, "parents and no root"},
        {"[" HLC "," ROOT "," ROOT "," PREV "]", KIND_OP, 1700000000, "two roots"},
        {"[" HLC "," ROOT ",['e','b','','prev']]", KIND_OP, 1700000000,
         "an e tag that is no event id"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event = {
            .id = {.at = {1}}, .kind = cases[i].kind, .created_at = cases[i].created_at};
        struct node node;
        struct err err;
        print_message("%s\n", cases[i].tags);
        assert_true(event_parse_tags(&event, &arena, quoted(&arena, cases[i].tags), NULL));
        bool ok = node_parse(&node, &arena, &event, &err);
        assert_int_equal(ok, cases[i].refusal == NULL);
        if (ok)
            assert_int_equal(node.root.at[0], node_is_root(&node) ? 1 : 0xaa);
        else
            assert_string_equal(err.text, cases[i].refusal);
        arena_clear(&arena);
    }
}

static void test_writer(void **state)
{
    static const struct {
        const char *tag;
        bool has_writer;
    } cases[] = {{"['w','0011223344556677','12']", true},
                 {"['w','0011223344556677']", false},
                 {"['w','00112233','12']", false},
                 {"['w','0011223344556677','x']", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct text tags = {0};
        struct event event = {.kind = KIND_OP, .created_at = 1700000000};
        struct node node;
        text_addf(&tags, "[" HLC ",%s]", cases[i].tag);
        text_add(&tags, SPAN("\0"));
        assert_true(event_parse_tags(&event, &arena, quoted(&arena, tags.at), NULL));
        assert_true(node_parse(&node, &arena, &event, NULL));
        assert_int_equal(node.has_writer, cases[i].has_writer);
        if (node.has_writer)
            assert_true(node.device == 0x0011223344556677 && node.seq == 12);
        text_clear(&tags);
        arena_clear(&arena);
    }
}

/* What is drafted is read again; one parent more than there may be is refused. */
static void test_draft(void **state)
{
    struct bytes32 parents[NODE_PARENTS_MAX + 1];
    (void)state;
    for (int i = 0; i <= NODE_PARENTS_MAX; i++)
        parents[i] = (struct bytes32){.at = {(uint8_t)i}};
    for (uint32_t count = 1; count <= NODE_PARENTS_MAX + 1; count++) {
        struct arena arena = {0};
        struct draft draft = {.kind = KIND_OP};
        const struct node node = {.hlc = hlc_make(5000, 3),
                                  .root = {.at = {9}},
                                  .parents = parents,
                                  .parent_count = count,
                                  .has_writer = true,
                                  .device = 77,
                                  .seq = 88};
        struct node read;
        struct event event;
        struct err err;
        node_draft(&node, &draft);
        draft_finish(&draft, &event, &arena);
        assert_int_equal(event.created_at, 5);
        bool ok = node_parse(&read, &arena, &event, &err);
        assert_int_equal(ok, count <= NODE_PARENTS_MAX);
        if (ok) {
            assert_true(read.hlc == node.hlc && read.device == 77 && read.seq == 88);
            assert_int_equal(read.root.at[0], 9);
            assert_int_equal(read.parent_count, count);
            assert_memory_equal(read.parents, parents, count * sizeof *parents);
        } else {
            assert_string_equal(err.text, "more than 16 e tags marked prev");
        }
        draft_clear(&draft);
        arena_clear(&arena);
    }
}

/* Of a circle: its name, the grounds and what was seen; each with one more than there may be. */
static void test_circle(void **state)
{
    struct bytes32 ids[NODE_SEEN_MAX + 1];
    (void)state;
    for (int i = 0; i <= NODE_SEEN_MAX; i++)
        ids[i] = (struct bytes32){.at = {(uint8_t)i, (uint8_t)(i >> 8)}};
    for (uint32_t excess = 0; excess < 3; excess++) {
        struct arena arena = {0};
        struct draft draft = {.kind = KIND_OP};
        const struct node node = {.hlc = hlc_make(5000, 3),
                                  .has_circle = true,
                                  .circle = {.at = {7}},
                                  .grounds = ids,
                                  .ground_count = NODE_GROUNDS_MAX + (excess == 1),
                                  .seen = ids,
                                  .seen_count = NODE_SEEN_MAX + (excess == 2)};
        struct node read;
        struct event event;
        node_draft(&node, &draft);
        draft_finish(&draft, &event, &arena);
        assert_int_equal(node_parse(&read, &arena, &event, NULL), excess == 0);
        if (excess == 0) {
            assert_true(read.has_circle && read.circle.at[0] == 7 && node_is_root(&read));
            assert_int_equal(read.ground_count, NODE_GROUNDS_MAX);
            assert_int_equal(read.seen_count, NODE_SEEN_MAX);
            assert_memory_equal(read.grounds, ids, NODE_GROUNDS_MAX * sizeof *ids);
            assert_memory_equal(read.seen, ids, NODE_SEEN_MAX * sizeof *ids);
        }
        draft_clear(&draft);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_writer),
                                       cmocka_unit_test(test_circle), cmocka_unit_test(test_draft)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
