/* Cursors: limits at their edge, what EOSE may claim, and pages taken in part. */
#include "relay/cursor.h"

#include "relay/frame.h"
#include "relay/merge.h"
#include "relay/session.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "tests/quoted.h"
#include "tests/test.h"

enum { EVENTS = 1200, MUCH = 1 << 20 };

static const struct cursor_limits limits = {.limit_default = 5, .limit_max = 50};

static struct event events[EVENTS];

/* Newest first; tied: how many at the end share one time. */
static void make_events(uint32_t count, uint32_t tied)
{
    memset(events, 0, sizeof events);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t age = i + tied >= count ? count - tied : i;
        events[i].created_at = (int64_t)EVENTS - age;
        events[i].id.at[0] = (uint8_t)(i >> 8);
        events[i].id.at[1] = (uint8_t)i;
        events[i].kind = 1;
        events[i].tags_json = SPAN("[]");
    }
}

static void on_wake(void *owner)
{
    (void)owner;
}

/* Answers as a store of the first count events does, until the cursor wants no more. Returns how
 * many rows came out. */
static uint32_t read_all(struct cursor *cursor, uint32_t count, size_t bytes_max, uint32_t *pages)
{
    struct session_table *table = session_table_new(1000);
    struct session *session = session_open(table, on_wake, NULL);
    struct merge *merge = merge_new(1);
    struct merge_row row;
    enum merge_step step;
    uint32_t rows = 0;
    *pages = 0;
    while ((step = merge_next(merge, &row)) != MERGE_DONE) {
        if (step == MERGE_ROW) {
            assert_memory_equal(&row.id, &events[rows].id, sizeof row.id);
            assert_int_equal(row.frame == NULL, cursor->is_count);
            if (row.frame != NULL)
                frame_drop(row.frame);
            rows++;
            continue;
        }
        const struct store_cursor *place = cursor_place(cursor);
        assert_true(place == NULL || place->created_at == events[rows - 1].created_at);
        assert_int_equal(place == NULL, rows == 0);
        uint32_t left = count - rows;
        uint32_t asked = cursor_rows(cursor);
        assert_in_range(asked, 1, STORE_PAGE_ROWS_MAX);
        struct store_page page = {&events[rows], asked < left ? asked : left, asked >= left, {0}};
        if (page.count > 0)
            page.next.created_at = events[rows + page.count - 1].created_at;
        cursor_take(cursor, merge, 0, &page, session, bytes_max);
        ++*pages;
    }
    merge_free(merge);
    session_close(session);
    session_table_free(table);
    return rows;
}

enum hint { ALL, MORE, UNSURE };

static enum hint hint_of(const struct cursor *cursor)
{
    assert_false(cursor->has_more && cursor->is_unsure);
    return cursor->has_more ? MORE : cursor->is_unsure ? UNSURE : ALL;
}

static void test_limits(void **state)
{
    static const struct {
        const char *filter;
        uint32_t stored, tied, sent;
        enum hint hint;
    } cases[] = {
        {"{'limit':1}", 0, 0, 0, ALL},
        {"{'limit':1}", 1, 0, 1, ALL},
        {"{'limit':1}", 2, 0, 1, MORE},
        {"{'limit':2}", 5, 5, 2, MORE}, /* the client's limit is kept, ties or not */
        {"{}", 5, 0, 5, ALL},           /* the default */
        {"{}", 6, 0, 5, MORE},
        {"{}", 9, 6, 9, ALL}, /* our limit is not: the second at which it cuts is sent whole */
        {"{}", 9, 0, 5, MORE},
        {"{}", 505, 505, 505, ALL},
        {"{}", 506, 506, 505, MORE}, /* but for a bound */
        {"{'limit':50}", 51, 0, 50, MORE},
        {"{'limit':51}", 51, 0, 50, MORE}, /* limit_max */
        {"{'limit':51}", 51, 2, 51, ALL},
        {"{'limit':50}", 51, 2, 50, MORE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct filter filter;
        uint32_t pages;
        print_message("%s %u %u\n", cases[i].filter, cases[i].stored, cases[i].tied);
        make_events(cases[i].stored, cases[i].tied);
        assert_true(filter_parse(&filter, &arena, quoted(&arena, cases[i].filter), NULL));
        struct cursor cursor = cursor_begin(&limits, &filter, false);
        assert_int_equal(read_all(&cursor, cases[i].stored, MUCH, &pages), cases[i].sent);
        assert_int_equal(hint_of(&cursor), cases[i].hint);
        arena_clear(&arena);
    }
}

/* Pages of more bytes than are kept are read again from where they were cut. */
static void test_bytes(void **state)
{
    const struct cursor_limits wide = {1000, 1000};
    struct filter filter = {.until = INT64_MAX, .limit = 1000};
    struct cursor cursor = cursor_begin(&wide, &filter, false);
    uint32_t pages;
    (void)state;
    make_events(300, 0);
    assert_int_equal(read_all(&cursor, 300, 1, &pages), 300);
    assert_int_equal(pages, 300);
    assert_int_equal(hint_of(&cursor), ALL);
}

static void test_count(void **state)
{
    struct filter filter = {.until = INT64_MAX, .limit = 1};
    struct cursor cursor = cursor_begin(&limits, &filter, true);
    uint32_t pages;
    (void)state;
    make_events(1100, 0);
    assert_int_equal(read_all(&cursor, 1100, MUCH, &pages), 1100);
    assert_int_equal(pages, 3);
}

/* All ids are found: no page is needed to know that there is no more. */
static void test_ids(void **state)
{
    struct bytes32 ids[3] = {{{0}}, {{0, 1}}, {{0, 2}}};
    struct filter filter = {.until = INT64_MAX, .limit = 3, .ids = {3, ids}};
    struct cursor cursor = cursor_begin(&limits, &filter, false);
    uint32_t pages;
    (void)state;
    make_events(3, 0);
    assert_int_equal(cursor_rows(&cursor), 4);
    assert_int_equal(read_all(&cursor, 3, 600, &pages), 3);
    assert_int_equal(hint_of(&cursor), ALL);
}

/* A page that ends at the limit, cut by bytes, cannot tell: nothing is claimed. */
static void test_unsure(void **state)
{
    struct filter filter = {.until = INT64_MAX, .limit = 1};
    struct cursor cursor = cursor_begin(&limits, &filter, false);
    uint32_t pages;
    (void)state;
    make_events(2, 0);
    assert_int_equal(read_all(&cursor, 2, 1, &pages), 1);
    assert_int_equal(hint_of(&cursor), UNSURE);
}

static void test_wants_store(void **state)
{
    static const struct {
        const char *filter;
        bool req, count;
    } cases[] = {
        {"{}", true, true},
        {"{'limit':0}", false, true},
        {"{'kinds':[]}", false, false},
        {"{'since':2,'until':1}", false, false},
        {"{'since':1,'until':1}", true, true},
        {"{'kinds':[20000,29999]}", false, false},
        {"{'kinds':[20000,30000]}", true, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct filter filter;
        assert_true(filter_parse(&filter, &arena, quoted(&arena, cases[i].filter), NULL));
        assert_int_equal(cursor_wants_store(&filter, false), cases[i].req);
        assert_int_equal(cursor_wants_store(&filter, true), cases[i].count);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_count),  cmocka_unit_test(test_ids),
        cmocka_unit_test(test_unsure), cmocka_unit_test(test_wants_store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
