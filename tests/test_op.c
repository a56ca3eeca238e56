/* Operations: each kind from JSON and back, members that lack or are wrong, the bounds, and what
 * another version of us may add. */
#include "client/op.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define REMOVE ("{'op':'rem','k':'tags','ids':['" A "','" A ":3']}")
#define MOVE ("{'op':'move','k':'todo','p':'V1','id':'" A ":999'}")

/* Parses content, which is not escaped yet. */
static bool parse(struct op_list *ops, struct arena *arena, struct span content, struct err *err)
{
    struct text json = {0};
    text_add_json(&json, content);
    struct span body = arena_copy(arena, text_span(&json));
    text_clear(&json);
    const struct event event = {.content_json = {body.at + 1, body.len - 2}};
    return op_parse(ops, arena, &event, err);
}

static void test_round(void **state)
{
    static const char *const cases[] = {
        "{'op':'create','type':'note'}",
        "{'op':'set','k':'title','v':'a \\'b\\''}",
        "{'op':'set','k':'','v':{'a':[1,2.5,null]}}",
        "{'op':'set','k':'_del','v':true}",
        "{'op':'del','k':'title'}",
        "{'op':'add','k':'tags','v':'fish'}",
        "{'op':'add','k':'todo','v':1,'p':'V1'}",
        REMOVE,
        "{'op':'rem','k':'tags','ids':[]}",
        MOVE,
        "{'op':'inc','k':'stock','n':-2}",
        "{'op':'inc','k':'stock','n':9223372036854775807}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct text out = {0};
        struct op_list ops;
        struct span in = quoted(&arena, cases[i]);
        print_message("%s\n", cases[i]);
        assert_true(parse(&ops, &arena, in, NULL));
        assert_int_equal(ops.count, 1);
        op_write(&out, &ops.at[0]);
        assert_true(span_eq(text_span(&out), in));
        text_clear(&out);
        arena_clear(&arena);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *content, *refusal; /* NULL: does nothing, or what it says */
    } cases[] = {
        {"[]", NULL},
        {"{'op':'fly','k':1,'v':1e99}", NULL},
        {"{'op':'del','k':'a','n':'of no matter','why':[]}", NULL},
        {"", "expected '{' at byte 0"},
        {"hello", "expected '{' at byte 0"},
        {"[1]", "expected '{' at byte 1"},
        {"{}", "an operation without 'op'"},
        {"{'op':1}", "expected a string at byte 0"},
        {"{'op':'set','op':'set'}", "two members named 'op' at byte 17"},
        {"{'op':'set','k':'a'}", "'set' without 'v'"},
        {"{'op':'add','v':1}", "'add' without 'k'"},
        {"{'op':'create'}", "'create' without 'type'"},
        {"{'op':'set','k':1,'v':1}", "k: expected a string at byte 0"},
        {"{'op':'set','k':'_del','v':1}", "_del is true or false"},
        {"{'op':'inc','k':'a','n':1.5}", "n: expected a whole number at byte 0"},
        {"{'op':'inc','k':'a','n':'1'}", "n: expected a whole number at byte 0"},
        {"{'op':'add','k':'a','v':1,'p':'0'}", "p: expected a position at byte 3"},
        {"{'op':'rem','k':'a','ids':['b']}", "ids: expected what an add is named by at byte 4"},
        {"{'op':'move','k':'a','id':'" A ":0','p':'1'}",
         "id: expected what an add is named by at byte 68"},
        {"{'op':'move','k':'a','id':'" A ":1000','p':'1'}",
         "id: expected what an add is named by at byte 71"},
        {"{'op':'move','k':'a','id':'" A ":','p':'1'}",
         "id: expected what an add is named by at byte 67"},
        {"{'op':'del','k':'a'} x", "expected the end at byte 21"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct op_list ops;
        struct err err;
        print_message("%s\n", cases[i].content);
        bool ok = parse(&ops, &arena, quoted(&arena, cases[i].content), &err);
        assert_int_equal(ok, cases[i].refusal == NULL);
        if (!ok)
            assert_string_equal(err.text, cases[i].refusal);
        arena_clear(&arena);
    }
}

/* As many operations as there may be, and one more; so with ids and the bytes of a key. */
static void test_limits(void **state)
{
    struct arena arena = {0};
    struct op_list ops;
    struct text text = {0};
    struct err err;
    (void)state;
    for (int more = 0; more < 2; more++) {
        text.len = 0;
        for (int i = 0; i < OP_COUNT_MAX + more; i++)
            text_addf(&text, "%s{\"op\":\"x\"}", i == 0 ? "[" : ",");
        text_add(&text, SPAN("]"));
        assert_int_equal(parse(&ops, &arena, text_span(&text), &err), more == 0);
        text.len = 0;
        text_add(&text, SPAN("{\"op\":\"rem\",\"k\":\"\",\"ids\":"));
        for (int i = 0; i < OP_TAGS_MAX + more; i++)
            text_addf(&text, "%s\"" A "\"", i == 0 ? "[" : ",");
        text_add(&text, SPAN("]}"));
        assert_int_equal(parse(&ops, &arena, text_span(&text), &err), more == 0);
        text.len = 0;
        text_addf(&text, "{\"op\":\"del\",\"k\":\"%0*d\"}", OP_KEY_BYTES_MAX + more, 0);
        assert_int_equal(parse(&ops, &arena, text_span(&text), &err), more == 0);
    }
    assert_string_equal(err.text, "k: over 256 bytes at byte 259");
    text_clear(&text);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
