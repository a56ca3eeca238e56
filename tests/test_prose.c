/* Texts from events: from an edit to an event and back, whose name an update may be written in, and
 * one device that tells two stories. */
#include "client/prose.h"

#include "client/doc.h"
#include "client/draft.h"
#include "client/node.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/random.h"
#include "tests/test.h"

enum { DEVICE = 5, UPDATES = 4 };

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct node node_of(uint8_t id)
{
    return (struct node){.id = {.at = {id}},
                         .author = {.at = {1}},
                         .root = {.at = {2}},
                         .has_writer = true,
                         .device = DEVICE};
}

static uint64_t client(void)
{
    const struct node node = node_of(0);
    return doc_client(&node.root, &node.author, DEVICE);
}

/* The event of an update, parsed. */
static bool parse(struct prose_update *out, const struct node *node, struct span update,
                  struct err *err)
{
    struct draft draft = {0};
    struct event event;
    prose_draft(&draft, update);
    draft_finish(&draft, &event, &arena);
    assert_int_equal(event.kind, 1571);
    draft_clear(&draft);
    return prose_parse(out, &arena, &event, node, err);
}

/* What doc lacks after an insertion, as the update of the event id. */
static struct prose_update insert(struct doc *doc, uint8_t id, size_t at, struct span text)
{
    struct text vector = {0}, update = {0};
    struct prose_update out;
    const struct node node = node_of(id);
    doc_state_vector(doc, &vector);
    assert_true(doc_text_insert(doc, SPAN("text"), at, text, NULL));
    assert_true(doc_diff(doc, &update, text_span(&vector), NULL));
    assert_true(parse(&out, &node, text_span(&update), NULL));
    text_clear(&vector);
    text_clear(&update);
    return out;
}

static void assert_shows(struct prose *prose, const char *wanted)
{
    struct text out = {0};
    doc_text(prose_doc(prose), &out, SPAN("text"));
    text_add(&out, SPAN("\0"));
    assert_string_equal(out.at, wanted);
    assert_int_equal(doc_pending(prose_doc(prose)), 0);
    text_clear(&out);
}

static void test_events(void **state)
{
    struct doc *doc = doc_new(client());
    struct prose *prose = prose_new(9);
    (void)state;
    struct prose_update a = insert(doc, 1, 0, SPAN("hello"));
    struct prose_update b = insert(doc, 2, 5, SPAN(" you"));
    assert_true(a.from == 0 && a.to == 5 && b.from == 5 && b.to == 9);
    prose_put(prose, &b, false);
    prose_put(prose, &a, false);
    assert_shows(prose, "hello you");
    assert_int_equal(prose_contradictions(prose), 0);
    prose_free(prose);
    prose = prose_new(9);
    prose_put(prose, &a, true);
    prose_put(prose, &b, false);
    assert_shows(prose, " you");
    prose_free(prose);
    doc_free(doc);
}

static void test_refusals(void **state)
{
    struct doc *doc = doc_new(client());
    struct text update = {0};
    struct prose_update out;
    struct node node = node_of(1);
    struct event event = {.content_json = SPAN("AAA=")};
    struct err err;
    (void)state;
    assert_true(doc_text_insert(doc, SPAN("text"), 0, SPAN("x"), NULL));
    assert_true(doc_diff(doc, &update, SPAN(""), NULL));
    assert_true(parse(&out, &node, text_span(&update), &err));
    node.device++; /* another device, another client */
    assert_false(parse(&out, &node, text_span(&update), &err));
    assert_int_equal(strncmp(err.text, "written in the name of client", 29), 0);
    node.has_writer = false;
    assert_false(parse(&out, &node, text_span(&update), &err));
    assert_string_equal(err.text, "a text update without its device");
    node = node_of(1);
    assert_false(parse(&out, &node, SPAN("?"), &err));
    assert_false(prose_parse(&out, &arena, &event, &node, &err));
    assert_string_equal(err.text, "a text that is not written as yjs1");
    assert_true(event_parse_tags(&event, &arena, SPAN("[[\"c\",\"yjs1\"]]"), NULL));
    assert_true(prose_parse(&out, &arena, &event, &node, &err));
    event.content_json = SPAN("AA*=");
    assert_false(prose_parse(&out, &arena, &event, &node, &err));
    assert_string_equal(err.text, "a text update that is not base64");
    text_clear(&update);
    doc_free(doc);
}

/* Two copies of one device go on from the same clock. In whatever order their events come, the
 * story with the lower id is told, and nothing waits for the other. */
static void test_contradiction(void **state)
{
    struct doc *one = doc_new(client()), *two = doc_new(client());
    (void)state;
    struct prose_update updates[UPDATES];
    updates[0] = insert(one, 7, 0, SPAN("base "));
    assert_true(doc_apply(two, updates[0].bytes, DOC_VALID, NULL));
    updates[1] = insert(one, 3, 5, SPAN("first"));
    updates[2] = insert(two, 2, 5, SPAN("second story"));
    updates[3] = insert(two, 8, 17, SPAN("!"));
    for (int round = 0; round < 200; round++) {
        struct prose *prose = prose_new(9);
        for (uint32_t i = 0; i < UPDATES; i++) { /* any of those that are left */
            uint32_t at = i + random_below(UPDATES - i);
            struct prose_update next = updates[at];
            updates[at] = updates[i];
            updates[i] = next;
            prose_put(prose, &next, false);
        }
        assert_shows(prose, "base second story!");
        assert_int_equal(prose_contradictions(prose), 1);
        prose_free(prose);
    }
    doc_free(one);
    doc_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_contradiction)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, teardown);
}
