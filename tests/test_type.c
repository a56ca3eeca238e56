#include "client/type.h"

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY "\"f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9\""

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_check(void **state)
{
    static const struct {
        const char *type, *field, *value;
        bool is_right;
    } cases[] = {
        {"task", "title", "\"x\"", true},
        {"task", "title", "1", false},
        {"task", "status", "\"open\"", true},
        {"task", "status", "\"dropped\"", true},
        {"task", "status", "\"op\"", false},
        {"task", "status", "\"open done\"", false},
        {"task", "due", "\"2026-11-21\"", true},
        {"task", "due", "\"2026-11-21T09:00:00Z\"", true},
        {"task", "due", "\"2026-11-2\"", false},
        {"task", "due", "\"2026-11-21 09\"", false},
        {"task", "due", "20261121", false},
        {"task", "priority", "3", true},
        {"task", "priority", "0.5", false},
        {"task", "priority", "\"high\"", false},
        {"task", "assignee", KEY, true},
        {"task", "assignee", "\"bob\"", false},
        {"task", "links", "{\"rel\":\"x\"}", true},
        {"task", "links", "\"x\"", false},
        {"task", "whatever", "[1]", true},
        {"memory", "strength", "0", true},
        {"memory", "strength", "1", true},
        {"memory", "strength", "0.25", true},
        {"memory", "strength", "1e-7", true},
        {"memory", "strength", "1.5", false},
        {"memory", "strength", "1e+21", false},
        {"memory", "strength", "-1e-7", false},
        {"memory", "strength", "true", false},
        {"memory", "strength", "\"1e-7\"", false},
        {"memory", "tags", "\"a\"", true},
        {"memory", "tags", "[\"a\"]", false},
        {"profile", "bot", "true", true},
        {"profile", "bot", "\"true\"", false},
        {"gadget", "status", "1", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        print_message("%s %s %s\n", cases[i].type, cases[i].field, cases[i].value);
        assert_int_equal(type_check(type_find(span(cases[i].type)), span(cases[i].field),
                                    span(cases[i].value), &err),
                         cases[i].is_right);
    }
}

static bool has(void *owner, struct span field)
{
    return span_eq(field, span(owner));
}

static void test_complete(void **state)
{
    struct err err;
    char title[] = "title", other[] = "other";
    (void)state;
    assert_true(type_complete(type_find(SPAN("task")), has, title, &err));
    assert_false(type_complete(type_find(SPAN("task")), has, other, &err));
    assert_string_equal(err.text, "a task wants its title");
    assert_true(type_complete(NULL, has, other, &err));
    assert_null(type_find(SPAN("tas")));
}

/* Every type is described, and what is made otherwise says how. */
static void test_describe(void **state)
{
    struct text out = {0};
    size_t count = 0;
    (void)state;
    type_describe(&out);
    for (const struct type *type; (type = type_at(count)) != NULL; count++)
        assert_non_null(memmem(out.at, out.len, type->name, strlen(type->name)));
    assert_int_equal(count, 9);
    assert_non_null(memmem(out.at, out.len, "(shoal profile set)", 19));
    text_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check),
                                       cmocka_unit_test(test_complete),
                                       cmocka_unit_test(test_describe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
