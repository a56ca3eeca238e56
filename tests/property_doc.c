/* Documents of ours among themselves: whatever the order of delivery, one text and one map; what
 * is void leaves the others nothing to wait for; undo and redo give back what was. */
#include <stdlib.h>

#include "client/doc.h"
#include "client/lib0.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 400, WRITERS_MAX = 4, STEPS = 40, UPDATES_MAX = STEPS };

static struct text updates[UPDATES_MAX];
static size_t update_count, moved;

static struct span random_word(void)
{
    static const struct span words[] = {
        {"a", 1}, {"bc", 2}, {"h\xc3\xa9", 3}, {"\xf0\x9f\x98\x80", 4}, {"\n", 1}, {"zzzz", 4}};
    return words[random_below(ARRAY_LEN(words))];
}

static void edit(struct doc *doc)
{
    size_t units = doc_text_units(doc, SPAN("text"));
    size_t at = random_below((uint32_t)units + 1);
    bool ok = true;
    switch (random_below(8)) {
    case 0:
        ok = doc_map_set(doc, SPAN("map"), random_below(2) == 0 ? SPAN("k") : SPAN("l"),
                         random_below(2) == 0 ? SPAN("\x78") : SPAN("\x79"), NULL);
        break;
    case 1:
    case 2:
        ok = doc_text_delete(doc, SPAN("text"), at, units - at < 3 ? units - at : 3, NULL);
        break;
    case 3:
        doc_undo(doc);
        break;
    case 4:
        doc_redo(doc);
        break;
    default:
        ok = doc_text_insert(doc, SPAN("text"), at, random_word(), NULL);
    }
    assert_true(ok);
}

static void view(const struct doc *doc, struct text *out)
{
    out->len = 0;
    doc_json(doc, out, SPAN("text"), DOC_TEXT);
    doc_json(doc, out, SPAN("map"), DOC_MAP);
}

static void check_same(const struct doc *a, const struct doc *b)
{
    struct text x = {0}, y = {0};
    view(a, &x);
    view(b, &y);
    assert_true(span_eq(text_span(&x), text_span(&y)));
    assert_int_equal(doc_text_units(a, SPAN("text")), doc_text_units(b, SPAN("text")));
    text_clear(&x);
    text_clear(&y);
}

/* A writer edits and says what is new. */
static void step(struct doc *doc)
{
    struct text vector = {0};
    doc_state_vector(doc, &vector);
    edit(doc);
    struct text *update = &updates[update_count++];
    update->len = 0;
    assert_true(doc_diff(doc, update, text_span(&vector), NULL));
    text_clear(&vector);
}

static void deliver(struct doc *doc, bool some_void)
{
    size_t order[UPDATES_MAX];
    for (size_t i = 0; i < update_count; i++) {
        size_t at = random_below((uint32_t)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (size_t i = 0; i < update_count; i++) {
        bool is_void = some_void && order[i] % 5 == 0;
        moved += doc_pending(doc) > 0;
        assert_true(
            doc_apply(doc, text_span(&updates[order[i]]), is_void ? DOC_VOID : DOC_VALID, NULL));
        if (random_below(5) == 0)
            assert_true(doc_apply(doc, text_span(&updates[order[i]]),
                                  is_void ? DOC_VOID : DOC_VALID, NULL));
    }
    assert_int_equal(doc_pending(doc), 0);
}

static void check_copy(struct doc *doc)
{
    struct doc *copy = doc_new(100);
    struct text whole = {0}, again = {0};
    assert_true(doc_diff(doc, &whole, SPAN(""), NULL));
    assert_true(doc_apply(copy, text_span(&whole), DOC_VALID, NULL));
    check_same(doc, copy);
    assert_true(doc_diff(copy, &again, SPAN(""), NULL));
    assert_true(span_eq(text_span(&whole), text_span(&again)));
    text_clear(&whole);
    text_clear(&again);
    doc_free(copy);
}

static void check_round(void)
{
    struct doc *writers[WRITERS_MAX], *readers[2];
    uint32_t count = 2 + random_below(WRITERS_MAX - 1);
    update_count = 0;
    for (uint32_t i = 0; i < count; i++)
        writers[i] = doc_new(i + 1);
    while (update_count < STEPS) {
        struct doc *writer = writers[random_below(count)];
        step(writer);
        if (random_below(3) == 0) { /* hears of some */
            for (int i = 0; i < 5; i++)
                assert_true(doc_apply(writer,
                                      text_span(&updates[random_below((uint32_t)update_count)]),
                                      DOC_VALID, NULL));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        deliver(writers[i], false);
        check_same(writers[i], writers[0]);
    }
    check_copy(writers[0]);
    for (int i = 0; i < 2; i++) {
        readers[i] = doc_new(50);
        deliver(readers[i], true);
    }
    check_same(readers[0], readers[1]);
    check_copy(readers[0]);
    for (uint32_t i = 0; i < count; i++)
        doc_free(writers[i]);
    for (int i = 0; i < 2; i++)
        doc_free(readers[i]);
}

static void test_delivery(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++)
        check_round();
    assert_true(moved > 1000); /* updates did come before what they build on */
    for (size_t i = 0; i < UPDATES_MAX; i++)
        text_clear(&updates[i]);
}

static void random_edit(struct doc *doc)
{
    size_t units = doc_text_units(doc, SPAN("text"));
    size_t at = random_below((uint32_t)units + 1);
    if (at < units && random_below(3) == 0)
        assert_true(doc_text_delete(doc, SPAN("text"), at, 1, NULL));
    else
        assert_true(doc_text_insert(doc, SPAN("text"), at, random_word(), NULL));
}

static void assert_text(const struct doc *doc, const struct text *wanted)
{
    struct text now = {0};
    doc_text(doc, &now, SPAN("text"));
    assert_true(span_eq(text_span(&now), text_span(wanted)));
    text_clear(&now);
}

static void undo_and_redo(struct doc *doc, const struct text *texts)
{
    for (int at = STEPS; at-- > 0;) {
        assert_true(doc_undo(doc));
        assert_text(doc, &texts[at]);
    }
    assert_false(doc_undo(doc));
    for (int at = 1; at <= STEPS; at++) {
        assert_true(doc_redo(doc));
        assert_text(doc, &texts[at]);
    }
    assert_false(doc_redo(doc));
}

/* All the edits of one writer undone is nothing; redone it is the same text; at every step. */
static void test_undo(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct doc *doc = doc_new(7);
        struct text texts[STEPS + 1] = {{0}}; /* after so many edits */
        for (int i = 1; i <= STEPS; i++) {
            random_edit(doc);
            doc_text(doc, &texts[i], SPAN("text"));
        }
        for (int turn = 0; turn < 2; turn++)
            undo_and_redo(doc, texts);
        for (int i = 0; i <= STEPS; i++)
            text_clear(&texts[i]);
        doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_delivery),
                                       cmocka_unit_test(test_undo)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
