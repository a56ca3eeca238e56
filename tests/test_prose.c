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
    prose_draft(&draft, &(struct prose_update){.bytes = update});
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
        size_t count;
        const struct prose_loss *losses = prose_losses(prose, &arena, &count);
        assert_int_equal(count, 1);
        assert_int_equal(losses[0].id.at[0], 3);
        assert_int_equal(losses[0].client, client());
        assert_false(losses[0].is_claim || losses[0].is_foreign);
        prose_free(prose);
    }
    doc_free(one);
    doc_free(two);
}

/* An insertion by an author who claims a client, at a time. */
static struct prose_update claim(struct doc *doc, const struct node *node, uint64_t claimed,
                                 struct span text)
{
    struct text update = {0};
    struct prose_update out, how = {.is_claim = true, .client = claimed};
    struct draft draft = {0};
    struct event event;
    doc_mark(doc);
    assert_true(doc_text_insert(doc, SPAN("text"), 0, text, NULL));
    doc_news(doc, &update);
    how.bytes = text_span(&update);
    prose_draft(&draft, &how);
    draft_finish(&draft, &event, &arena);
    assert_true(prose_parse(&out, &arena, &event, node, NULL));
    draft_clear(&draft);
    text_clear(&update);
    return out;
}

static struct node claimant(uint8_t id, uint8_t author, uint64_t hlc)
{
    return (struct node){
        .id = {.at = {id}}, .author = {.at = {author}}, .root = {.at = {2}}, .hlc = hlc};
}

/* In any order; then the same text, and so many that count for nothing. */
static void expect(const struct prose_update *updates, const bool *is_void, uint32_t count,
                   const char *wanted)
{
    for (int round = 0; round < 100; round++) {
        struct prose *prose = prose_new(9);
        uint32_t order[8] = {0};
        for (uint32_t i = 0; i < count; i++) {
            uint32_t at = random_below(i + 1);
            order[i] = order[at];
            order[at] = i;
        }
        for (uint32_t i = 0; i < count; i++)
            prose_put(prose, &updates[order[i]], is_void[order[i]]);
        assert_shows(prose, wanted);
        prose_free(prose);
    }
}

/* A client that two people claim is the first one's, whoever is heard of first. */
static void test_claims(void **state)
{
    const struct node early = claimant(9, 1, 10), late = claimant(3, 4, 11);
    const struct node more = claimant(4, 1, 12), same_time = claimant(8, 5, 10);
    struct doc *one = doc_new(77), *two = doc_new(77), *three = doc_new(77);
    struct prose_update updates[4];
    (void)state;
    updates[0] = claim(one, &early, 77, SPAN("first "));
    updates[1] = claim(two, &late, 77, SPAN("another story"));
    updates[2] = claim(one, &more, 77, SPAN("the "));
    assert_true(updates[0].is_claim && updates[0].client == 77);
    expect(updates, (bool[3]){false, false, false}, 3, "the first ");
    updates[3] = claim(three, &same_time, 77, SPAN("lower id")); /* and that is first */
    expect(updates, (bool[4]){false, false, false, false}, 4, "lower id");
    expect(updates, (bool[4]){false, false, false, true}, 4, "the first ");
    doc_free(one);
    doc_free(two);
    doc_free(three);
}

/* Nobody claims what follows from somebody, however early. */
static void test_claim_of_own(void **state)
{
    const struct node thief = claimant(1, 4, 1);
    struct doc *honest = doc_new(client()), *other = doc_new(client());
    struct prose_update updates[2];
    (void)state;
    updates[0] = insert(honest, 5, 0, SPAN("mine"));
    updates[1] = claim(other, &thief, client(), SPAN("stolen text"));
    expect(updates, (bool[2]){false, false}, 2, "mine");
    doc_free(honest);
    doc_free(other);
}

static void test_claims_refused(void **state)
{
    static const char *const tags[] = {"[[\"c\",\"yjs1\"],[\"yc\",\"x\"]]",
                                       "[[\"c\",\"yjs1\"],[\"yc\",\"-1\"]]",
                                       "[[\"c\",\"yjs1\"],[\"yc\",\"9007199254740992\"]]"};
    const struct node node = claimant(1, 4, 1);
    struct prose_update out;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        struct event event = {.content_json = SPAN("AAA=")};
        assert_true(
            event_parse_tags(&event, &arena, (struct span){tags[i], strlen(tags[i])}, NULL));
        assert_false(prose_parse(&out, &arena, &event, &node, &err));
        assert_string_equal(err.text, "it claims what is no client");
    }
}

/* A program that applies all that it hears has the text of what is void, until it hears of that. */
static void test_mend(void **state)
{
    const struct node removed = claimant(3, 4, 10);
    struct doc *mine = doc_new(client()), *theirs = doc_new(50), *app = doc_new(1);
    struct prose *prose = prose_new(9);
    struct text mend = {0}, out = {0};
    struct prose_update updates[3];
    (void)state;
    updates[0] = insert(mine, 1, 0, SPAN("fish"));
    updates[1] = claim(theirs, &removed, 50, SPAN("a "));
    updates[2] = claim(theirs, &removed, 50, SPAN("noise "));
    updates[2].id.at[0] = 9;
    for (int i = 0; i < 3; i++) {
        assert_true(doc_apply(app, updates[i].bytes, DOC_VALID, NULL));
        prose_put(prose, &updates[i], i == 2); /* he was removed then */
    }
    assert_true(prose_mend(prose, &mend));
    assert_true(doc_apply(app, text_span(&mend), DOC_VALID, NULL));
    doc_text(app, &out, SPAN("text"));
    text_add(&out, SPAN("\0"));
    assert_shows(prose, out.at);
    assert_null(strstr(out.at, "noise"));
    struct prose_update told = {.id.at = {20}, .client = client(), .bytes = text_span(&mend)};
    prose_put(prose, &told, false);
    assert_false(prose_mend(prose, &out)); /* once is enough */
    text_clear(&mend);
    text_clear(&out);
    prose_free(prose);
    doc_free(mine);
    doc_free(theirs);
    doc_free(app);
}

/* What one did is undone in a document that was made anew of all that was written. */
static void test_replay(void **state)
{
    struct doc *mine = doc_new(client());
    struct prose *prose = prose_new(9);
    struct text out = {0};
    (void)state;
    struct prose_update a = insert(mine, 1, 0, SPAN("hello"));
    struct prose_update b = insert(mine, 2, 5, SPAN(" you"));
    prose_put(prose, &a, false);
    prose_put(prose, &b, false);
    struct doc *again = prose_replay(prose, client());
    doc_mark(again);
    assert_int_equal(doc_undo(again), 1);
    doc_news(again, &out);
    struct prose_update undone = {.id.at = {3},
                                  .client = client(),
                                  .step = DOC_UNDO,
                                  .step_count = 1,
                                  .bytes = text_span(&out)};
    prose_put(prose, &undone, false);
    assert_shows(prose, "hello");
    doc_free(again);
    again = prose_replay(prose, client());
    assert_int_equal(doc_redo(again), 1);
    assert_int_equal(doc_redo(again), 0);
    assert_int_equal(doc_undo(again), 1);
    assert_int_equal(doc_undo(again), 1);
    assert_int_equal(doc_undo(again), 0);
    assert_int_equal(doc_text_units(again, SPAN("text")), 0);
    doc_free(again);
    text_clear(&out);
    prose_free(prose);
    doc_free(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_contradiction), cmocka_unit_test(test_claims),
        cmocka_unit_test(test_claim_of_own),  cmocka_unit_test(test_claims_refused),
        cmocka_unit_test(test_mend),          cmocka_unit_test(test_replay)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, teardown);
}
