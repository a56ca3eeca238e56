/* A draft becomes the event that a parser reads from its JSON, whatever is in it. */
#include "client/draft.h"

#include "shared/arena.h"
#include "shared/event.h"
#include "tests/test.h"

static void test_finish(void **state)
{
    struct arena arena = {0};
    struct event event, read;
    struct text json = {0};
    const struct bytes32 id = {.at = {0xab}};
    struct draft draft = {.kind = 7, .created_at = 12};
    (void)state;
    draft_tag_pair(&draft, SPAN("t"), SPAN("a\"b\\c\n"));
    draft_tag_id(&draft, SPAN("e"), &id, SPAN("root"));
    draft_tag_id(&draft, SPAN("p"), &id, SPAN(""));
    draft_tag(&draft, NULL, 0);
    text_add(&draft.content, SPAN("\x01\"\xc3\xa9\n"));
    draft_finish(&draft, &event, &arena);
    draft_clear(&draft);

    event_write(&json, &event);
    assert_true(event_parse(&read, &arena, text_span(&json), NULL));
    assert_int_equal(read.kind, 7);
    assert_int_equal(read.created_at, 12);
    assert_true(span_eq(event.content_json, SPAN("\\u0001\\\"\xc3\xa9\\n")));
    assert_int_equal(event.tag_count, 4);
    assert_int_equal(read.tag_count, 4);
    assert_true(span_eq(event.tags[0].items[1], SPAN("a\"b\\c\n")));
    assert_int_equal(event.tags[1].count, 4);
    assert_true(span_eq(event.tags[1].items[3], SPAN("root")));
    assert_true(span_eq(event.tags[2].items[1],
                        SPAN("ab00000000000000000000000000000000000000000000000000000000000000")));
    assert_int_equal(event.tags[2].count, 2);
    assert_int_equal(event.tags[3].count, 0);
    struct bytes32 a = event_hash(&event, EVENT_FORM_JSON), b = event_hash(&read, EVENT_FORM_JSON);
    assert_memory_equal(a.at, b.at, 32);
    text_clear(&json);
    arena_clear(&arena);
}

static void test_empty(void **state)
{
    struct arena arena = {0};
    struct event event;
    const struct draft draft = {.kind = 1};
    (void)state;
    draft_finish(&draft, &event, &arena);
    assert_true(span_eq(event.tags_json, SPAN("[]")));
    assert_int_equal(event.content_json.len, 0);
    assert_int_equal(event.tag_count, 0);
    arena_clear(&arena);
}

/* What nobody signed is read by its own parser only, and lacks nothing but the signature. */
static void test_rumor(void **state)
{
    struct arena arena = {0};
    struct event event, read;
    struct text json = {0};
    const struct draft draft = {.kind = 14, .created_at = 5};
    (void)state;
    draft_finish(&draft, &event, &arena);
    event.id = event_hash(&event, EVENT_FORM_JSON);
    event_write_rumor(&json, &event);
    assert_false(event_parse(&read, &arena, text_span(&json), NULL));
    assert_true(event_parse_rumor(&read, &arena, text_span(&json), NULL));
    assert_int_equal(read.kind, 14);
    assert_true(event_check_id(&read));
    assert_false(event_parse_rumor(&read, &arena, SPAN("{\"id\":\"\"}"), NULL));
    text_clear(&json);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_finish), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_rumor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
