/* Law: the index finds exactly the interests that trying every filter finds, each once, while
 * interests come and go. */
#include "relay/interest.h"

#include "shared/arena.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { INTERESTS = 60, ROUNDS = 3000, FILTERS_MAX = 3 };

struct world {
    struct interest_index *index;
    struct interest *interests[INTERESTS];
    uint32_t found[INTERESTS];
    uint32_t total, avoided;
};

static struct interest *add(struct interest_index *index, uint32_t *number)
{
    struct arena arena = {0};
    struct filter filters[FILTERS_MAX];
    uint32_t count = 1 + random_below(FILTERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct text text = {0};
        add_random_filter(&text);
        struct span copy = arena_copy(&arena, text_span(&text));
        assert_true(filter_parse(&filters[i], &arena, copy, NULL));
        text_clear(&text);
    }
    struct interest *interest = interest_add(index, filters, count, number);
    arena_clear(&arena); /* it keeps a copy */
    return interest;
}

static void on_found(void *context, struct interest *interest)
{
    uint32_t *number = interest->owner;
    (void)context;
    ++*number;
}

static bool matches(const struct interest *interest, const struct event *event)
{
    for (uint32_t i = 0; i < interest->filter_count; i++)
        if (filter_match(&interest->filters[i], event))
            return true;
    return false;
}

static void compare(struct world *world, const struct event *event)
{
    memset(world->found, 0, sizeof world->found);
    interest_find(world->index, event, on_found, NULL);
    for (size_t i = 0; i < INTERESTS; i++) {
        bool expected = world->interests[i] != NULL && matches(world->interests[i], event);
        assert_int_equal(world->found[i], expected);
        world->total += expected;
        world->avoided += !expected;
    }
}

static void test_index(void **state)
{
    struct world world = {.index = interest_index_new()};
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = {0};
        struct text text = {0};
        struct event event;
        uint32_t i = random_below(INTERESTS);
        if (world.interests[i] != NULL)
            interest_remove(world.index, world.interests[i]);
        world.interests[i] = random_below(8) == 0 ? NULL : add(world.index, &world.found[i]);
        add_random_event(&text);
        assert_true(event_parse(&event, &arena, text_span(&text), NULL));
        compare(&world, &event);
        text_clear(&text);
        arena_clear(&arena);
    }
    assert_true(world.total > ROUNDS); /* not vacuous, either way */
    assert_true(world.avoided > ROUNDS);
    for (size_t i = 0; i < INTERESTS; i++)
        if (world.interests[i] != NULL)
            interest_remove(world.index, world.interests[i]);
    interest_index_free(world.index);
}

/* The copy is the filter: it writes the same. */
static void test_copy(void **state)
{
    struct interest_index *index = interest_index_new();
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = {0};
        struct text json = {0}, before = {0}, after = {0};
        struct filter filter;
        add_random_filter(&json);
        assert_true(filter_parse(&filter, &arena, text_span(&json), NULL));
        filter_write(&before, &filter);
        struct interest *interest = interest_add(index, &filter, 1, NULL);
        memset(json.at, 'x', json.len);
        arena_clear(&arena);
        filter_write(&after, interest->filters);
        assert_true(span_eq(text_span(&before), text_span(&after)));
        interest_remove(index, interest);
        text_clear(&json);
        text_clear(&before);
        text_clear(&after);
    }
    interest_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index), cmocka_unit_test(test_copy)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
