/* Texts are a function of the set of events: devices that write as clients of their own, people who
 * claim clients, some of them the same, and some of what they write being void. Whatever the order
 * of delivery, all see one text, in which nothing waits, and one way to mend it. A program that
 * applies all that it hears sees that text, too, once it was mended and where nobody's clocks were
 * another's. */
#include "client/prose.h"

#include "client/node.h"
#include "shared/arena.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { HISTORIES = 3000, WRITERS_MAX = 5, UPDATES_MAX = 24, ORDERS = 4 };

struct writer {
    struct bytes32 author;
    uint64_t client;
    bool is_claim, is_removed;
    struct doc *doc;
};

static struct writer writers[WRITERS_MAX];
static struct prose_update updates[UPDATES_MAX];
static bool is_void[UPDATES_MAX];
static uint32_t writer_count, update_count;
static bool has_deletion; /* of what is void: no mending brings back what it took */
static struct arena arena;
static uint32_t lost, mended, equal;

static void make_writers(void)
{
    const struct bytes32 root = {.at = {7}};
    writer_count = 2 + random_below(WRITERS_MAX - 1);
    for (uint32_t i = 0; i < writer_count; i++) {
        struct writer *writer = &writers[i];
        *writer = (struct writer){.author = {.at = {(uint8_t)(i + 1)}}};
        writer->is_claim = random_below(3) == 0;
        writer->client = doc_client(&root, &writer->author, i);
        if (writer->is_claim) /* some take one of a few, some that of the first */
            writer->client = random_below(4) > 0 ? 50 + random_below(4) : writers[0].client;
        writer->is_removed = i > 0 && random_below(4) == 0;
        writer->doc = doc_new(writer->client);
    }
}

/* What somebody hears before writing: not what was written in the same name. */
static void hear(struct writer *writer)
{
    for (uint32_t i = 0; i < update_count; i++) {
        bool is_other = updates[i].client != writer->client && !is_void[i];
        if (is_other && random_below(3) > 0)
            assert_true(doc_apply(writer->doc, updates[i].bytes, DOC_VALID, NULL));
    }
}

static bool edit(struct doc *doc)
{
    const struct span name = SPAN("text");
    size_t units = doc_text_units(doc, name);
    char word[4] = {(char)('a' + random_below(26)), (char)('a' + random_below(26)), ' ', 0};
    if (units > 2 && random_below(3) == 0) {
        size_t at = random_below((uint32_t)units - 1);
        assert_true(doc_text_delete(doc, name, at, 1 + random_below((uint32_t)(units - at)), NULL));
        return true;
    }
    size_t at = random_below((uint32_t)units + 1);
    assert_true(doc_text_insert(doc, name, at, (struct span){word, 3}, NULL));
    return false;
}

static void write_update(struct writer *writer)
{
    struct prose_update *update = &updates[update_count];
    struct text news = {0};
    bool has_deleted = false;
    hear(writer);
    doc_mark(writer->doc);
    for (uint32_t i = 1 + random_below(3); i > 0; i--)
        has_deleted |= edit(writer->doc);
    doc_news(writer->doc, &news);
    *update = (struct prose_update){.author = writer->author,
                                    .hlc = update_count / 2,
                                    .client = writer->client,
                                    .is_claim = writer->is_claim,
                                    .bytes = arena_copy(&arena, text_span(&news))};
    text_clear(&news);
    for (size_t i = 0; i < sizeof update->id.at; i++)
        update->id.at[i] = (uint8_t)random_below(256);
    assert_true(doc_is_by(update->bytes, update->client, &update->from, &update->to, NULL));
    is_void[update_count] = writer->is_removed && random_below(2) == 0;
    has_deletion |= is_void[update_count] && has_deleted;
    update_count++;
}

/* The order: each update once. */
static struct prose *deliver(void)
{
    struct prose *prose = prose_new(9);
    uint32_t order[UPDATES_MAX] = {0};
    for (uint32_t i = 0; i < update_count; i++) {
        uint32_t at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = 0; i < update_count; i++) {
        prose_put(prose, &updates[order[i]], is_void[order[i]]);
        if (random_below(8) == 0)
            (void)prose_doc(prose); /* who looks meanwhile changes nothing */
    }
    return prose;
}

static struct text text_of(const struct doc *doc)
{
    struct text out = {0};
    doc_text(doc, &out, SPAN("text"));
    return out;
}

static void check_app(struct prose *prose, const struct text *wanted, const struct text *mend)
{
    struct doc *app = doc_new(1);
    for (uint32_t i = 0; i < update_count; i++)
        assert_true(doc_apply(app, updates[i].bytes, DOC_VALID, NULL));
    if (mend->len > 0)
        assert_true(doc_apply(app, text_span(mend), DOC_VALID, NULL));
    struct text got = text_of(app);
    if (prose_contradictions(prose) == 0 && !has_deletion) {
        assert_true(span_eq(text_span(&got), text_span(wanted)));
        equal++;
    }
    text_clear(&got);
    doc_free(app);
}

static void check_history(void)
{
    struct text first = {0}, first_mend = {0};
    has_deletion = false;
    update_count = 0;
    make_writers();
    for (uint32_t length = 2 + random_below(UPDATES_MAX - 1); update_count < length;)
        write_update(&writers[random_below(writer_count)]);
    for (int round = 0; round < ORDERS; round++) {
        struct prose *prose = deliver();
        struct text text = text_of(prose_doc(prose)), mend = {0};
        assert_int_equal(doc_pending(prose_doc(prose)), 0);
        bool has_mend = prose_mend(prose, &mend);
        if (round == 0) {
            lost += prose_contradictions(prose) > 0;
            mended += has_mend;
            check_app(prose, &text, &mend);
            text_add(&first, text_span(&text));
            text_add(&first_mend, text_span(&mend));
        }
        assert_true(span_eq(text_span(&text), text_span(&first)));
        assert_true(span_eq(text_span(&mend), text_span(&first_mend)));
        text_clear(&text);
        text_clear(&mend);
        prose_free(prose);
    }
    for (uint32_t i = 0; i < writer_count; i++)
        doc_free(writers[i].doc);
    text_clear(&first);
    text_clear(&first_mend);
    arena_clear(&arena);
}

static void test_order(void **state)
{
    (void)state;
    for (int i = 0; i < HISTORIES; i++)
        check_history();
    assert_true(lost > HISTORIES / 10 && mended > HISTORIES / 10 && equal > HISTORIES / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
