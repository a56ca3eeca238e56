#include "relay/head.h"

#include <stdio.h>

#include "shared/arena.h"
#include "tests/test.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void assert_span(struct span found, const char *wanted)
{
    if (!span_eq(found, span_of(wanted)))
        fail_msg("found \"%.*s\" for \"%s\"", SPAN_ARG(found), wanted);
}

static void test_request(void **state)
{
    static const char text[] = "GET /a/b?c=d HTTP/1.1\r\n"
                               "hOsT:relay.example.com\r\n"
                               "Accept: \t text/html , */* \t\r\n"
                               "X-Forwarded-For: 192.0.2.1\r\n"
                               "X-Else: \xc3\xa9\r\n"
                               "x-forwarded-for:\r\n"
                               "X-FORWARDED-FOR: 192.0.2.2, 192.0.2.3\r\n"
                               "\r\n"
                               "rest";
    struct arena arena = {0};
    struct head head;
    size_t used;
    (void)state;
    assert_int_equal(head_parse(&head, &arena, span_of(text), &used), HEAD_DONE);
    assert_int_equal(used, sizeof text - 1 - 4);
    assert_span(head.method, "GET");
    assert_span(head.path, "/a/b");
    assert_false(head.is_1_0);
    assert_span(head.fields[HEAD_HOST], "relay.example.com");
    assert_span(head.fields[HEAD_ACCEPT], "text/html , */*");
    assert_span(head.fields[HEAD_FORWARDED_FOR], "192.0.2.1, , 192.0.2.2, 192.0.2.3");
    assert_null(head.fields[HEAD_UPGRADE].at);
    /* every beginning of it is a part of it */
    for (size_t len = 0; len < used; len++)
        assert_int_equal(head_parse(&head, &arena, (struct span){text, len}, &used), HEAD_PARTIAL);
    arena_clear(&arena);
}

static void test_targets(void **state)
{
    static const struct {
        const char *line, *path; /* NULL: wrong */
    } cases[] = {
        {"GET / HTTP/1.1", "/"},
        {"GET /? HTTP/1.0", "/"},
        {"OPTIONS /x HTTP/1.1", "/x"},
        {"GET http://relay.example.com/a?b HTTP/1.1", "/a"},
        {"GET HTTP://relay.example.com HTTP/1.1", "/"},
        {"GET  / HTTP/1.1", NULL},
        {"GET / HTTP/1.1 ", NULL},
        {"GET / HTTP/1.2", NULL},
        {"GET / HTTP/2.0", NULL},
        {"GET /", NULL},
        {"GET", NULL},
        {"", NULL},
        {" GET / HTTP/1.1", NULL},
        {"GET * HTTP/1.1", NULL},
        {"GET a HTTP/1.1", NULL},
        {"GET ?a HTTP/1.1", NULL},
        {"G\"T / HTTP/1.1", NULL},
        {"GET /\x01 HTTP/1.1", NULL},
        {"GET /\x7f HTTP/1.1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct head head;
        size_t used;
        char text[100];
        snprintf(text, sizeof text, "%s\r\n\r\n", cases[i].line);
        print_message("%s\n", cases[i].line);
        enum head_result wanted = cases[i].path == NULL ? HEAD_WRONG : HEAD_DONE;
        assert_int_equal(head_parse(&head, &arena, span_of(text), &used), wanted);
        if (wanted == HEAD_DONE)
            assert_span(head.path, cases[i].path);
        arena_clear(&arena);
    }
}

static void test_wrong_fields(void **state)
{
    static const char *const lines[] = {
        "no colon",   ": no name",   "blank : before the colon", " folded", "a\nb: bare line feed",
        "Host: a\rb", "Host: a\x01",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct arena arena = {0};
        struct head head;
        size_t used;
        char text[100];
        print_message("%s\n", lines[i]);
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n\r\n", lines[i]);
        assert_int_equal(head_parse(&head, &arena, span_of(text), &used), HEAD_WRONG);
        arena_clear(&arena);
    }
}

/* HEAD_BYTES_MAX holds at its edge, and one past it is refused, whole or not. */
static void test_bound(void **state)
{
    static char text[HEAD_BYTES_MAX + 10];
    static const char start[] = "GET / HTTP/1.1\r\nA: ";
    struct arena arena = {0};
    struct head head;
    size_t used;
    (void)state;
    for (size_t len = HEAD_BYTES_MAX; len <= HEAD_BYTES_MAX + 1; len++) {
        memset(text, 'x', sizeof text);
        for (size_t i = 0; i < sizeof start - 1; i++)
            text[i] = start[i];
        for (size_t i = 0; i < 4; i++)
            text[len - 4 + i] = i % 2 == 0 ? '\r' : '\n';
        assert_int_equal(head_parse(&head, &arena, (struct span){text, len}, &used),
                         len == HEAD_BYTES_MAX ? HEAD_DONE : HEAD_TOO_LONG);
        assert_int_equal(head_parse(&head, &arena, (struct span){text, len - 1}, &used),
                         len == HEAD_BYTES_MAX ? HEAD_PARTIAL : HEAD_TOO_LONG);
    }
    arena_clear(&arena);
}

static void test_lists(void **state)
{
    (void)state;
    assert_true(head_has(SPAN("Upgrade"), "upgrade"));
    assert_true(head_has(SPAN("keep-alive ,  UPGRADE\t"), "upgrade"));
    assert_false(head_has(SPAN("upgrade-insecure, no upgrade"), "upgrade"));
    assert_false(head_has(SPAN(""), "upgrade"));
    assert_false(head_has((struct span){NULL, 0}, "upgrade"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_request),
                                       cmocka_unit_test(test_targets),
                                       cmocka_unit_test(test_wrong_fields),
                                       cmocka_unit_test(test_bound), cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
