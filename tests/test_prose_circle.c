/* Texts where two clients are claimed twice, and each of the stories that count was built on one
 * that does not: no order of theirs lets all of them stand on what is there. */
#include "client/prose.h"

#include "shared/arena.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { BASE_CLIENT = 7, LEFT = 51, RIGHT = 52, ROUNDS = 200 };

/* In the order of writing: who claims LEFT and RIGHT first, and so owns them, and the stories of
 * others in those names, which are lost; then what the owners wrote behind them. */
enum { BASE, CLAIM_LEFT, CLAIM_RIGHT, LOST_LEFT, LOST_RIGHT, KEPT_LEFT, KEPT_RIGHT, UPDATES };

static struct arena arena;
static struct prose_update updates[UPDATES];

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* What author writes as client behind all of those, if anything. */
static void write_behind(uint32_t which, uint8_t author, uint64_t client, const uint32_t *before,
                         size_t count, struct span words)
{
    struct doc *doc = doc_new(client);
    struct text news = {0};
    struct prose_update *update = &updates[which];
    for (size_t i = 0; i < count; i++)
        assert_true(doc_apply(doc, updates[before[i]].bytes, DOC_VALID, NULL));
    doc_mark(doc);
    if (words.len > 0)
        assert_true(
            doc_text_insert(doc, SPAN("text"), doc_text_units(doc, SPAN("text")), words, NULL));
    doc_news(doc, &news);
    *update = (struct prose_update){.id = {.at = {(uint8_t)(100 - which)}},
                                    .author = {.at = {author}},
                                    .hlc = which,
                                    .client = client,
                                    .is_claim = client != BASE_CLIENT,
                                    .bytes = arena_copy(&arena, text_span(&news))};
    assert_true(doc_is_by(update->bytes, client, &update->from, &update->to, NULL));
    text_clear(&news);
    doc_free(doc);
}

static void write_all(struct span lost_left, struct span lost_right)
{
    const uint32_t base[] = {BASE}, left[] = {BASE, LOST_LEFT}, right[] = {BASE, LOST_RIGHT};
    write_behind(BASE, 1, BASE_CLIENT, NULL, 0, SPAN("base"));
    write_behind(CLAIM_LEFT, 2, LEFT, NULL, 0, SPAN(""));
    write_behind(CLAIM_RIGHT, 3, RIGHT, NULL, 0, SPAN(""));
    write_behind(LOST_LEFT, 4, LEFT, base, 1, lost_left);
    write_behind(LOST_RIGHT, 5, RIGHT, base, 1, lost_right);
    write_behind(KEPT_LEFT, 2, LEFT, right, 2, SPAN(" mine"));
    write_behind(KEPT_RIGHT, 3, RIGHT, left, 2, SPAN(" yours"));
}

static void shuffle(uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

static void assert_shows(const struct doc *doc, const char *wanted, size_t pending)
{
    struct text out = {0};
    doc_text(doc, &out, SPAN("text"));
    text_add(&out, SPAN("\0"));
    assert_string_equal(out.at, wanted);
    assert_int_equal(doc_pending(doc), pending);
    text_clear(&out);
}

static void expect(const char *wanted)
{
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t order[UPDATES] = {0};
        struct prose *prose = prose_new(9);
        shuffle(order, UPDATES);
        for (uint32_t i = 0; i < UPDATES; i++) {
            prose_put(prose, &updates[order[i]], false);
            if (random_below(4) == 0)
                (void)prose_doc(prose); /* who looks meanwhile changes nothing */
        }
        assert_shows(prose_doc(prose), wanted, 0);
        struct doc *again = prose_replay(prose, LEFT);
        assert_shows(again, wanted, 0);
        doc_free(again);
        prose_free(prose);
    }
}

/* What the owners wrote is there, where it was written: behind the base. */
static void test_circle(void **state)
{
    (void)state;
    write_all(SPAN(" lost"), SPAN(" gone"));
    expect("base mine yours");
}

/* Clocks that an owner has stay the owner's, even while what was written there waits. */
static void test_lengths(void **state)
{
    (void)state;
    write_all(SPAN(" a lost one that is longer"), SPAN("?"));
    expect("base mine yours");
    write_all(SPAN("?"), SPAN(" a lost one that is longer"));
    expect("base mine yours");
}

/* What was built on a story that is not here waits for it. */
static void test_missing(void **state)
{
    struct prose *prose = prose_new(9);
    (void)state;
    write_all(SPAN(" lost"), SPAN(" gone"));
    for (uint32_t i = 0; i < UPDATES; i++)
        if (i != LOST_LEFT && i != LOST_RIGHT)
            prose_put(prose, &updates[i], false);
    assert_shows(prose_doc(prose), "base", 2);
    prose_put(prose, &updates[LOST_RIGHT], false);
    assert_shows(prose_doc(prose), "base mine yours", 0);
    prose_put(prose, &updates[LOST_LEFT], false);
    assert_shows(prose_doc(prose), "base mine yours", 0);
    prose_free(prose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_circle),
                                       cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_missing)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, teardown);
}
