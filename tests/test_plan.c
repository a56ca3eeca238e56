/* Plans: which condition drives, at each limit and one past it, and where a page begins. */
#include "relay/plan.h"

#include "relay/hash.h"
#include "relay/param.h"
#include "shared/arena.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY(digit) "\"000000000000000000000000000000000000000000000000000000000000000" #digit "\""

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct filter *parse(const char *json)
{
    struct filter *filter = arena_alloc(&arena, sizeof *filter);
    assert_true(
        filter_parse(filter, &arena, arena_copy(&arena, (struct span){json, strlen(json)}), NULL));
    return filter;
}

static void test_driver(void **state)
{
    static const struct plan_counts counts = {.authors = 5, .tags = {7, 3, 3}};
    static const struct {
        const char *filter;
        bool is_open;
        enum plan_driver driver;
        uint32_t tag, bucket;
        bool is_direct;
    } cases[] = {
        {"{}", false, PLAN_ALL, 0, 0, true},
        {"{\"since\":5}", false, PLAN_ALL, 0, 0, true},
        {"{\"since\":5,\"until\":4}", false, PLAN_IDS, 0, 0, false},
        {"{\"kinds\":[]}", false, PLAN_IDS, 0, 0, false},
        {"{\"kinds\":[1,2]}", false, PLAN_KINDS, 0, 0, false},
        {"{\"kinds\":[1]}", false, PLAN_KINDS, 0, 0, true},
        {"{\"ids\":[" KEY(1) "]}", false, PLAN_IDS, 0, 0, true},
        {"{\"ids\":[" KEY(1) "," KEY(2) "]}", false, PLAN_IDS, 0, 0, false},
        {"{\"ids\":[" KEY(1) "," KEY(2) "],\"#t\":[\"a\"]}", false, PLAN_IDS, 0, 3, false},
        {"{\"ids\":[" KEY(1) "],\"#t\":[\"a\"],\"#d\":[\"a\"]}", false, PLAN_IDS, 0, 0, true},
        {"{\"authors\":[" KEY(1) "]}", false, PLAN_AUTHORS, 0, 0, false},
        {"{\"authors\":[" KEY(1) "],\"kinds\":[1]}", false, PLAN_AUTHORS_KINDS, 0, 0, true},
        {"{\"authors\":[" KEY(1) "],\"kinds\":[1,2]}", false, PLAN_AUTHORS_KINDS, 0, 0, false},
        {"{\"authors\":[" KEY(1) "," KEY(2) "],\"kinds\":[1]}", false, PLAN_AUTHORS_KINDS, 0, 0,
         false},
        {"{\"#t\":[\"a\"]}", false, PLAN_TAG, 0, 0, false},
        {"{\"#t\":[\"a\"],\"kinds\":[1]}", false, PLAN_TAG_KINDS, 0, 0, true},
        {"{\"#t\":[\"a\",\"b\"],\"kinds\":[1]}", false, PLAN_TAG_KINDS, 0, 0, false},
        {"{\"#t\":[\"a\"],\"kinds\":[1,2]}", false, PLAN_TAG_KINDS, 0, 0, false},
        {"{\"#t\":[\"a\"],\"authors\":[" KEY(1) "]}", true, PLAN_AUTHORS, 0, 3, false},
        {"{\"#t\":[\"a\"],\"#u\":[\"a\"]}", true, PLAN_TAG, 1, 3, false},
        {"{\"#t\":[\"a\"],\"#u\":[\"a\"],\"#v\":[\"a\"],\"#w\":[\"a\"],\"authors\":[" KEY(
             1) "],\"kinds\":[1]}",
         true, PLAN_TAG_KINDS, 1, 3, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct store_read read = {.filter = parse(cases[i].filter), .rows = 10};
        print_message("%s\n", cases[i].filter);
        assert_int_equal(plan_is_open(read.filter), cases[i].is_open);
        struct plan plan = plan_choose(&read, cases[i].is_open ? &counts : NULL);
        assert_int_equal(plan.shape.driver, cases[i].driver);
        assert_int_equal(plan.tag, cases[i].tag);
        assert_int_equal(plan.shape.bucket, cases[i].bucket);
        assert_int_equal(plan.shape.is_direct, cases[i].is_direct);
    }
}

/* A filter of that many values "0", "1", ... of #t and that many kinds. */
static struct filter *sized(uint32_t values, uint32_t kinds)
{
    struct text text = {0};
    text_add(&text, SPAN("{\"#t\":["));
    for (uint32_t i = 0; i < values; i++)
        text_addf(&text, "%s\"%u\"", i == 0 ? "" : ",", i);
    text_add(&text, SPAN("],\"kinds\":["));
    for (uint32_t i = 0; i < kinds; i++)
        text_addf(&text, "%s%u", i == 0 ? "" : ",", i);
    text_add(&text, SPAN("]}"));
    text_add(&text, (struct span){"", 1});
    struct filter *filter = parse(text.at);
    text_clear(&text);
    return filter;
}

/* Too many pairs are not asked for one by one; a wider driver is the last resort. */
static void test_pairs(void **state)
{
    struct store_read read = {.filter = sized(PLAN_PAIRS_MAX / 4, 4), .rows = 10};
    struct plan plan = plan_choose(&read, NULL);
    (void)state;
    assert_int_equal(plan.shape.driver, PLAN_TAG_KINDS);
    assert_int_equal(plan.shape.bucket, 0);
    assert_string_equal(plan_count_name(read.filter), PLAN_COUNT_KINDS);

    read.filter = sized(PLAN_PAIRS_MAX / 4 + 1, 4);
    plan = plan_choose(&read, NULL);
    assert_int_equal(plan.shape.driver, PLAN_TAG);
    assert_int_equal(plan.shape.bucket, 0); /* the walk leaves other kinds out */
    assert_string_equal(plan_count_name(read.filter), PLAN_COUNT);

    plan_widen(&plan, &read);
    assert_int_equal(plan.shape.driver, PLAN_KINDS);
    assert_int_equal(plan.shape.bucket, PLAN_BUCKET_COUNT - 1);
    read.filter = parse("{\"#t\":[\"a\"]}");
    plan_widen(&plan, &read);
    assert_int_equal(plan.shape.driver, PLAN_ALL);
}

static void test_bucket(void **state)
{
    const struct filter *filter = parse("{\"kinds\":[1,2]}");
    (void)state;
    for (uint32_t i = 0; i < PLAN_BUCKET_COUNT; i++) {
        struct plan_shape shape = {.bucket = i};
        struct store_read read = {.filter = filter, .rows = plan_bucket_rows(&shape)};
        assert_int_equal(plan_choose(&read, NULL).shape.bucket, i);
        read.rows++;
        assert_int_equal(plan_choose(&read, NULL).shape.bucket,
                         i + 1 < PLAN_BUCKET_COUNT ? i + 1 : i);
    }
    struct plan_shape last = {.bucket = PLAN_BUCKET_COUNT - 1};
    assert_int_equal(plan_bucket_rows(&last), STORE_PAGE_ROWS_MAX);
}

static void test_range(void **state)
{
    struct store_cursor after = {.created_at = 7, .id_prefix = 5};
    struct store_read read = {.filter = parse("{\"since\":3,\"until\":9}"), .rows = 10};
    struct plan plan = plan_choose(&read, NULL);
    (void)state;
    assert_true(plan.since == 3 && plan.until == 9 && plan.tie == INT64_MAX);
    read.after = &after;
    plan = plan_choose(&read, NULL); /* ids that begin with 5 and less are gone */
    assert_true(plan.until == 7 && plan.tie == INT64_MAX - 6);
    after.id_prefix = UINT64_MAX; /* all of that second is */
    plan = plan_choose(&read, NULL);
    assert_true(plan.until == 6 && plan.tie == INT64_MAX);
    after.created_at = 0; /* and of all time */
    plan = plan_choose(&read, NULL);
    assert_true(plan.until == -1);
    after.created_at = 10;
    plan = plan_choose(&read, NULL);
    assert_true(plan.until == 9 && plan.tie == INT64_MAX);
    read.filter = parse("{}");
    read.after = NULL;
    plan = plan_choose(&read, NULL);
    assert_true(plan.since == 0 && plan.until == INT64_MAX);
}

/* Which of $1 to $11 are NULL, as a word of + and -. */
static void bound(char *word, const struct store_read *read, const struct plan_counts *counts)
{
    static const struct hash_key key = {1, 2};
    struct param_list params = {0};
    struct plan plan = plan_choose(read, counts);
    plan_bind(&params, &plan, read, &key);
    for (int i = 0; i < params.count; i++)
        word[i] = params.at[i].is_null ? '-' : '+';
    word[params.count] = '\0';
    param_clear(&params);
}

static void test_bind(void **state)
{
    static const struct plan_counts authors_first = {.authors = 1, .tags = {2, 3, 4}};
    static const struct plan_counts tag_first = {.authors = 2, .tags = {1, 3, 4}};
    struct store_read read = {.filter = parse("{}"), .rows = 10};
    char word[PARAM_MAX + 1];
    (void)state;
    bound(word, &read, NULL);
    assert_string_equal(word, "--+++-----+");
    read.filter = parse("{\"#t\":[\"a\"],\"#u\":[\"a\"],\"#v\":[\"a\"],\"#w\":[\"a\"],\"authors\":"
                        "[" KEY(1) "],\"kinds\":[1]}");
    bound(word, &read, &authors_first);
    assert_string_equal(word, "+++++--++++"); /* three tags of four are looked at */
    bound(word, &read, &tag_first);
    assert_string_equal(word, "++++++-++++");
    read.filter = sized(PLAN_PAIRS_MAX / 4 + 1, 4);
    bound(word, &read, NULL);
    assert_string_equal(word, "+-+++-+---+"); /* kinds are left to the walk */
}

/* Long lists of tags are left to the reader. */
static void test_tag_values(void **state)
{
    struct filter *filter = sized(PLAN_TAG_VALUES_MAX, 1);
    struct filter with_ids = *parse("{\"ids\":[" KEY(1) "]}");
    struct store_read read = {.filter = &with_ids, .rows = 10};
    char word[PARAM_MAX + 1];
    (void)state;
    with_ids.tags = filter->tags;
    with_ids.tag_count = filter->tag_count;
    bound(word, &read, NULL);
    assert_string_equal(word, "+-+++--+--+");
    with_ids.tags = sized(PLAN_TAG_VALUES_MAX + 1, 1)->tags;
    bound(word, &read, NULL);
    assert_string_equal(word, "+-+++-----+");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_driver, clear),
                                       cmocka_unit_test_teardown(test_pairs, clear),
                                       cmocka_unit_test_teardown(test_bucket, clear),
                                       cmocka_unit_test_teardown(test_range, clear),
                                       cmocka_unit_test_teardown(test_bind, clear),
                                       cmocka_unit_test_teardown(test_tag_values, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
