/* The law of searches in the window: whatever the entries, the filter, the floor and where it goes
 * on, what is found piece by piece is what filter_match finds, in order, each once, down to the
 * floor; and it says that this is all only when nothing below the floor can match. */
#include <stdlib.h>

#include "relay/frame.h"
#include "relay/window_entry.h"
#include "relay/window_find.h"
#include "relay/window_index.h"
#include "shared/arena.h"
#include "shared/kind.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { EVENTS = 600, SEARCHES = 4000, NOW = 1000 };

static struct arena world;
static struct event events[EVENTS]; /* newest first, then lowest id */
static bool is_in[EVENTS];
static struct window_index entries;

static int compare_order(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    if (left->created_at != right->created_at)
        return left->created_at > right->created_at ? -1 : 1;
    return memcmp(&left->id, &right->id, sizeof left->id);
}

static bool is_expired(const struct event *event)
{
    int64_t expires_at;
    return event_expiration(event, &expires_at) && expires_at <= NOW;
}

static void make_event(struct event *event, uint32_t number)
{
    struct text json = {0};
    add_random_event(&json);
    assert_true(event_parse(event, &world, arena_copy(&world, text_span(&json)), NULL));
    event->id.at[1] = (uint8_t)random_below(256);
    event->id.at[6] = (uint8_t)(number >> 8);
    event->id.at[7] = (uint8_t)number;
    text_clear(&json);
}

static void put(uint32_t number)
{
    struct frame *frame = frame_of_event(&events[number]);
    struct window_entry *entry = window_entry_new(&entries.key, &events[number], frame);
    frame_drop(frame);
    is_in[number] = entry->address == 0 || window_index_address(&entries, entry->address) == NULL;
    if (is_in[number])
        window_index_add(&entries, entry);
    else
        window_entry_free(entry);
}

static int start(void **state)
{
    (void)state;
    random_start();
    entries.key = hash_key_random();
    for (uint32_t i = 0; i < EVENTS; i++)
        make_event(&events[i], i);
    qsort(events, EVENTS, sizeof *events, compare_order);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    window_index_clear(&entries);
    assert_int_equal(window_index_bytes(&entries), 0);
    arena_clear(&world);
    return 0;
}

/* Some go and some come, so that lists of all sizes have been through something. */
static void stir(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t number = random_below(EVENTS);
        if (!is_in[number]) {
            put(number);
            continue;
        }
        struct window_entry *entry = window_index_id(&entries, &events[number].id);
        assert_non_null(entry);
        window_index_remove(&entries, entry);
        is_in[number] = false;
    }
}

struct search {
    struct filter filter;
    uint32_t floor; /* of events: what is at it and after it is not known; EVENTS: all is */
    uint32_t next;  /* of events: the first that may come */
    uint32_t found, finished, pages;
    struct store_cursor after; /* once there was a page */
};

static struct store_cursor place_of(uint32_t number)
{
    return window_place_of(events[number].created_at, &events[number].id);
}

static bool is_match(const struct search *search, uint32_t number)
{
    return is_in[number] && !is_expired(&events[number]) &&
           filter_match(&search->filter, &events[number]);
}

static void check_rows(struct search *search, const struct window_found *found)
{
    for (uint32_t i = 0; i < found->count; i++) {
        while (search->next < EVENTS && !is_match(search, search->next))
            search->next++;
        assert_in_range(search->next, 0, EVENTS - 1);
        assert_memory_equal(&found->rows[i]->id, &events[search->next].id, 32);
        search->next++;
    }
    search->found += found->count;
}

/* False at the end of what the window can say. */
static bool step(struct search *search)
{
    static struct window_found found;
    struct store_cursor floor;
    struct window_question question = {.filter = &search->filter,
                                       .now = NOW,
                                       .rows = 1 + random_below(random_below(4) == 0 ? 500 : 20)};
    if (search->pages > 0)
        question.after = &search->after;
    if (search->floor < EVENTS) {
        floor = search->floor > 0 ? place_of(search->floor - 1)
                                  : (struct store_cursor){.created_at = INT64_MAX};
        question.floor = &floor;
    }
    search->pages++;
    if (!window_find(&found, &entries, &question)) {
        assert_in_range(search->floor, 0, EVENTS - 1);
        return false;
    }
    assert_in_range(found.count, 0, question.rows);
    check_rows(search, &found);
    search->finished = found.finished;
    search->after = found.next;
    if (found.finished)
        return false;
    while (search->next < EVENTS) { /* to the place that it says it has come to */
        struct store_cursor place = place_of(search->next);
        if (window_is_after(&place, &found.next))
            break;
        assert_false(is_match(search, search->next));
        search->next++;
    }
    return true;
}

/* What was said is right: of what is left, nothing above the floor matches, and when it said that
 * this was all, nothing below it does. */
static void check_rest(const struct search *search)
{
    uint32_t end = search->finished ? EVENTS : search->floor;
    for (uint32_t i = search->next; i < end; i++)
        assert_false(is_match(search, i));
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static void make_filter(struct filter *filter, struct arena *arena)
{
    struct text text = {0};
    add_random_filter(&text);
    assert_true(filter_parse(filter, arena, arena_copy(arena, text_span(&text)), NULL));
    text_clear(&text);
    if (random_below(8) == 0) { /* by id, of which some are there */
        uint32_t count = 1 + random_below(5);
        struct bytes32 *ids = arena_array(arena, struct bytes32, count);
        for (uint32_t i = 0; i < count; i++)
            ids[i] = events[random_below(EVENTS)].id;
        qsort(ids, count, sizeof *ids, compare_ids);
        filter->ids.at = ids;
        filter->ids.count = count;
    }
    if (random_below(8) == 0) { /* versions of replaceable events */
        static const uint16_t kinds[] = {KIND_PROFILE, KIND_FOLLOWS};
        filter->kinds.at = kinds;
        filter->kinds.count = 1 + random_below(2);
    }
}

static void test_law(void **state)
{
    uint32_t found = 0, whole = 0, finished_above = 0, pages = 0;
    (void)state;
    for (uint32_t i = 0; i < SEARCHES; i++) {
        struct arena arena = {0};
        struct search search = {.floor = random_below(2) == 0 ? EVENTS : random_below(EVENTS)};
        if (i % 50 == 0)
            stir();
        make_filter(&search.filter, &arena);
        while (step(&search))
            ;
        check_rest(&search);
        found += search.found;
        whole += search.floor == EVENTS;
        finished_above += search.floor < EVENTS && search.finished;
        pages += search.pages;
        arena_clear(&arena);
    }
    print_message("%u found in %u pages, %u whole, %u finished above the floor\n", found, pages,
                  whole, finished_above);
    assert_true(found > SEARCHES && finished_above > SEARCHES / 50 && pages > SEARCHES + 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_law)};
    return cmocka_run_group_tests(tests, start, stop);
}
