#include "client/projection.h"

#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/test.h"

static struct arena arena;

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* A letter for each person. */
static struct projection_people people(const char *letters)
{
    struct projection_people out = {.at = arena_array(&arena, struct bytes32, strlen(letters) + 1)};
    for (; *letters != '\0'; letters++)
        memset(&out.at[out.count++], *letters, sizeof *out.at);
    projection_sort(&out);
    return out;
}

static void check_people(const struct projection_people *got, const char *letters)
{
    assert_int_equal(got->count, strlen(letters));
    for (size_t i = 0; i < got->count; i++)
        assert_int_equal(got->at[i].at[0], letters[i]);
}

static void test_compare_people(void **state)
{
    static const struct {
        const char *base, *theirs, *added, *removed;
        bool is_shrunk;
    } cases[] = {
        {"", "ab", "ab", "", false},          {"ab", "ab", "", "", false},
        {"ab", "bca", "c", "", false},        {"abcd", "cd", "", "ab", false},
        {"abcd", "d", "", "abc", true},       {"abc", "", "", "abc", false},
        {"abcde", "fg", "fg", "abcde", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct projection_people base = people(cases[i].base), theirs = people(cases[i].theirs);
        struct projection_shift shift;
        projection_compare_people(&shift, &arena, &base, &theirs);
        check_people(&shift.added, cases[i].added);
        check_people(&shift.removed, cases[i].removed);
        assert_int_equal(shift.is_shrunk, cases[i].is_shrunk);
    }
    struct projection_people theirs = people("ba");
    struct projection_shift shift;
    projection_compare_people(&shift, &arena, NULL, &theirs);
    check_people(&shift.added, "ab");
    check_people(&shift.removed, "");
    arena_clear(&arena);
}

static void test_draft_people(void **state)
{
    struct event theirs = {.content_json = SPAN("a \\\"b\\\"")};
    struct draft draft = {0};
    struct projection_people all = people("\xaa\xcc"), read;
    (void)state;
    assert_true(event_parse_tags(
        &theirs, &arena,
        SPAN("[[\"p\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"\","
             "\"al\"],"
             "[\"p\",\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"],"
             "[\"t\",\"x\"],[]]"),
        NULL));
    projection_draft_people(&draft, &all, &theirs);
    assert_true(span_eq(
        text_span(&draft.tags),
        SPAN("[\"p\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"\","
             "\"al\"],"
             "[\"t\",\"x\"],[],"
             "[\"p\",\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"]")));
    assert_true(span_eq(text_span(&draft.content), SPAN("a \"b\"")));
    struct event event;
    draft_finish(&draft, &event, &arena);
    projection_read_people(&read, &arena, &event);
    assert_int_equal(read.count, 2);
    assert_true(projection_has(&read, &all.at[1]));
    draft_clear(&draft);
    arena_clear(&arena);
}

static void test_draft_set(void **state)
{
    struct event first, next;
    struct draft draft = {0}, again = {0};
    struct projection_people all = people("\xaa"), none = {0};
    (void)state;
    projection_draft_set(&draft, SPAN("fish"), &all, NULL);
    assert_int_equal(draft.kind, 30000);
    assert_true(span_eq(
        text_span(&draft.tags),
        SPAN("[\"d\",\"fish\"],[\"title\",\"fish\"],"
             "[\"p\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]")));
    text_add(&draft.content, SPAN("sealed"));
    draft_finish(&draft, &first, &arena);
    projection_draft_set(&again, SPAN("fish"), &none, &first);
    draft_finish(&again, &next, &arena);
    assert_int_equal(next.kind, 30000);
    assert_true(span_eq(text_span(&again.tags), SPAN("[\"d\",\"fish\"],[\"title\",\"fish\"]")));
    assert_true(span_eq(text_span(&again.content), SPAN("sealed")));
    draft_clear(&draft);
    draft_clear(&again);
    arena_clear(&arena);
}

static struct projection_fields fields(const char *json, int64_t written_at)
{
    struct projection_fields out;
    assert_true(projection_read_fields(&out, &arena, span(json), NULL));
    for (size_t i = 0; i < out.count; i++)
        out.at[i].written_at = written_at;
    return out;
}

/* Theirs is of second 10. */
static void test_compare_fields(void **state)
{
    static const struct {
        const char *base, *theirs, *ours;
        int64_t ours_at;
        const char *changes;
    } cases[] = {
        {"{}", "{\"a\":1}", "{}", 0, "{\"a\":1}"},                 /* they added */
        {"{\"a\":1}", "{\"a\":1}", "{\"a\":2}", 0, "{}"},          /* we changed */
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":1}", 20, "{\"a\":2}"},  /* they changed */
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", 9, "{\"a\":2}"},   /* both, they last */
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", 11, "{}"},         /* both, we last */
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}", 9, "{}"},          /* both the same */
        {"{\"a\":1}", "{}", "{\"a\":1}", 20, "{\"a\":}"},          /* they removed */
        {"{\"a\":1}", "{}", "{\"a\":2}", 0, "{}"},                 /* a change wins over it */
        {"{\"a\":1}", "{\"a\":1}", "{}", 0, "{}"},                 /* we removed */
        {"{\"a\":1}", "{\"a\":2}", "{}", 20, "{\"a\":2}"},         /* a change wins over it */
        {NULL, "{\"a\":1,\"b\":2}", "{\"a\":3}", 11, "{\"b\":2}"}, /* nothing is known */
        {NULL, "{\"a\":1}", "{\"a\":3,\"c\":1}", 9, "{\"a\":1}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct projection_fields base = {0}, changes;
        struct projection_fields theirs = fields(cases[i].theirs, 0);
        struct projection_fields ours = fields(cases[i].ours, cases[i].ours_at);
        struct draft draft = {0};
        if (cases[i].base != NULL)
            base = fields(cases[i].base, 0);
        projection_compare_fields(&changes, &arena, cases[i].base != NULL ? &base : NULL, &theirs,
                                  &ours, 10);
        projection_draft_fields(&draft, &changes);
        print_message("%zu\n", i);
        assert_true(span_eq(text_span(&draft.content), span(cases[i].changes)));
        draft_clear(&draft);
    }
    arena_clear(&arena);
}

static void test_relays(void **state)
{
    struct event theirs = {.content_json = SPAN("x")};
    struct projection_fields relays;
    struct draft draft = {0}, fresh = {0};
    struct span key;
    char url[400] = "wss://a.example/";
    (void)state;
    memset(url + strlen(url), 'a', sizeof url - strlen(url) - 1);
    url[sizeof url - 1] = '\0';
    assert_false(projection_relay(&key, &arena, span(url), NULL));
    assert_true(
        event_parse_tags(&theirs, &arena,
                         SPAN("[[\"r\",\"wss://A.example/\",\"read\"],[\"r\",\"none\"],[\"r\"],"
                              "[\"r\",\"wss://b.example\",\"write\"],[\"x\"],"
                              "[\"r\",\"wss://a.example\",\"write\"],"
                              "[\"r\",\"wss://c.example\"]]"),
                         NULL));
    projection_read_relays(&relays, &arena, &theirs);
    projection_draft_relays(&draft, &relays, &theirs);
    assert_int_equal(draft.kind, 10002);
    assert_true(span_eq(text_span(&draft.tags),
                        SPAN("[\"r\",\"wss://a.example\"],[\"r\",\"wss://b.example\",\"write\"],"
                             "[\"r\",\"wss://c.example\"],[\"r\",\"none\"],[\"r\"],[\"x\"]")));
    assert_true(span_eq(text_span(&draft.content), SPAN("x")));
    projection_draft_relays(&fresh, &(struct projection_fields){0}, NULL);
    assert_int_equal(fresh.tags.len + fresh.content.len, 0);
    draft_clear(&draft);
    draft_clear(&fresh);
    arena_clear(&arena);
}

static void test_relays_many(void **state)
{
    struct event theirs = {0};
    struct projection_fields relays;
    struct text tags = {0};
    (void)state;
    for (int i = 0; i <= PROJECTION_FIELDS_MAX; i++)
        text_addf(&tags, "%s[\"r\",\"wss://a%d.example\"]", i > 0 ? "," : "[", i);
    text_add(&tags, SPAN("]"));
    assert_true(event_parse_tags(&theirs, &arena, text_span(&tags), NULL));
    projection_read_relays(&relays, &arena, &theirs);
    assert_int_equal(relays.count, PROJECTION_FIELDS_MAX);
    text_clear(&tags);
    arena_clear(&arena);
}

static void test_refused(void **state)
{
    static const char *const cases[] = {"",        "[]",   "{\"a\":1,\"a\":2}",
                                        "{\"a\"}", "{} x", "{\"a\":"};
    struct projection_fields out;
    struct text many = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(projection_read_fields(&out, &arena, span(cases[i]), NULL));
    for (int i = 0; i < PROJECTION_FIELDS_MAX; i++)
        text_addf(&many, "%s\"k%d\":0", i > 0 ? "," : "{", i);
    text_add(&many, SPAN("}"));
    assert_true(projection_read_fields(&out, &arena, text_span(&many), NULL));
    many.len--;
    text_add(&many, SPAN(",\"x\":0}"));
    assert_false(projection_read_fields(&out, &arena, text_span(&many), NULL));
    text_clear(&many);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_people), cmocka_unit_test(test_draft_people),
        cmocka_unit_test(test_draft_set),      cmocka_unit_test(test_compare_fields),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_relays),
        cmocka_unit_test(test_relays_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
