/* Laws of filters: matching is what a naive reader of NIP-01 would do, widening never loses a
 * match, and a filter survives being written. */
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { ROUNDS = 20000 };

static void parse(struct filter *filter, struct arena *arena, struct span text)
{
    struct err err;
    if (!filter_parse(filter, arena, text, &err))
        fail_msg("%s: %.*s", err.text, SPAN_ARG(text));
}

static struct event random_event(struct arena *arena, struct text *json)
{
    struct event event;
    json->len = 0;
    add_random_event(json);
    if (!event_parse(&event, arena, arena_copy(arena, text_span(json)), NULL))
        fail();
    return event;
}

static bool naive_has_key(const struct filter_keys *keys, const struct bytes32 *key)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (memcmp(&keys->at[i], key, sizeof *key) == 0)
            return true;
    return keys->count == 0;
}

static bool naive_has_tag(const struct filter_tag *wanted, const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++)
        for (uint32_t j = 0; j < wanted->count; j++) {
            const struct tag *tag = &event->tags[i];
            if (tag->count >= 2 && tag->items[0].len == 1 &&
                tag->items[0].at[0] == wanted->letter && span_eq(tag->items[1], wanted->values[j]))
                return true;
        }
    return false;
}

static bool naive_match(const struct filter *filter, const struct event *event)
{
    bool match = !filter->matches_nothing && filter->since <= event->created_at &&
                 event->created_at <= filter->until && naive_has_key(&filter->ids, &event->id) &&
                 naive_has_key(&filter->authors, &event->pubkey);
    bool has_kind = filter->kinds.count == 0;
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        has_kind |= filter->kinds.at[i] == event->kind;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        match &= naive_has_tag(&filter->tags[i], event);
    return match && has_kind;
}

static void test_match_is_naive(void **state)
{
    struct text json = {0};
    uint32_t matches = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct filter filter;
        struct event event = random_event(&arena, &json);
        json.len = 0;
        add_random_filter(&json);
        parse(&filter, &arena, text_span(&json));
        bool match = filter_match(&filter, &event);
        if (match != naive_match(&filter, &event))
            fail_msg("%.*s", (int)json.len, json.at);
        matches += match;
        arena_clear(&arena);
    }
    assert_in_range(matches, ROUNDS / 100, ROUNDS / 2); /* the generator is not vacuous */
    text_clear(&json);
}

/* Takes one condition away, or a bound further out. */
static struct filter widened(const struct filter *filter, struct filter_tag *tags)
{
    struct filter wide = *filter;
    switch (random_below(6)) {
    case 0:
        wide.ids.count = 0;
        break;
    case 1:
        wide.authors.count = 0;
        break;
    case 2:
        wide.kinds.count = 0;
        break;
    case 3:
        wide.since -= wide.since > 0;
        break;
    case 4:
        wide.until += wide.until < INT64_MAX;
        break;
    case 5:
        if (wide.tag_count > 0) {
            uint32_t gone = random_below(wide.tag_count--);
            memcpy(tags, filter->tags, gone * sizeof *tags);
            memcpy(tags + gone, filter->tags + gone + 1, (wide.tag_count - gone) * sizeof *tags);
            wide.tags = tags;
        }
        break;
    }
    return wide;
}

static void test_widening_keeps_matches(void **state)
{
    struct text json = {0};
    uint32_t kept = 0;
    uint32_t won = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct filter_tag tags[FILTER_TAGS_MAX];
        struct filter filter;
        struct event event = random_event(&arena, &json);
        json.len = 0;
        add_random_filter(&json);
        parse(&filter, &arena, text_span(&json));
        struct filter wide = widened(&filter, tags);
        bool before = filter_match(&filter, &event);
        bool after = filter_match(&wide, &event);
        assert_true(after || !before);
        kept += before;
        won += after && !before;
        arena_clear(&arena);
    }
    assert_in_range(kept, ROUNDS / 100, ROUNDS / 2);
    assert_in_range(won, ROUNDS / 200, ROUNDS / 2);
    text_clear(&json);
}

static void assert_equal(const struct filter *a, const struct filter *b)
{
    assert_true(a->since == b->since && a->until == b->until && a->limit == b->limit);
    assert_int_equal(a->matches_nothing, b->matches_nothing);
    assert_int_equal(a->ids.count, b->ids.count);
    assert_int_equal(a->authors.count, b->authors.count);
    assert_int_equal(a->kinds.count, b->kinds.count);
    assert_int_equal(a->tag_count, b->tag_count);
    assert_memory_equal(a->ids.at, b->ids.at, a->ids.count * sizeof *a->ids.at);
    assert_memory_equal(a->authors.at, b->authors.at, a->authors.count * sizeof *a->authors.at);
    assert_memory_equal(a->kinds.at, b->kinds.at, a->kinds.count * sizeof *a->kinds.at);
    for (uint32_t i = 0; i < a->tag_count; i++) {
        assert_int_equal(a->tags[i].letter, b->tags[i].letter);
        assert_int_equal(a->tags[i].count, b->tags[i].count);
        for (uint32_t j = 0; j < a->tags[i].count; j++)
            assert_true(span_eq(a->tags[i].values[j], b->tags[i].values[j]));
    }
}

static void test_write_keeps_everything(void **state)
{
    struct text json = {0};
    struct text written = {0};
    uint32_t nothing = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct filter filter;
        struct filter read;
        json.len = written.len = 0;
        add_random_filter(&json);
        parse(&filter, &arena, text_span(&json));
        filter_write(&written, &filter);
        parse(&read, &arena, text_span(&written));
        assert_equal(&filter, &read);
        nothing += filter.matches_nothing;
        arena_clear(&arena);
    }
    assert_in_range(nothing, ROUNDS / 100, ROUNDS / 2);
    text_clear(&json);
    text_clear(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_is_naive),
        cmocka_unit_test(test_widening_keeps_matches),
        cmocka_unit_test(test_write_keeps_everything),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
