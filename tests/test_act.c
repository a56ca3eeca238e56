/* What events do to a circle: read, refused, written again. */
#include "client/act.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define K "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static bool parse(struct act *act, struct arena *arena, struct span content, struct err *err)
{
    struct event event = {.kind = KIND_CIRCLE_OP, .pubkey = {.at = {9}}};
    struct text json = {0};
    text_add_json(&json, content);
    struct span all = arena_copy(arena, text_span(&json));
    event.content_json = (struct span){all.at + 1, all.len - 2};
    text_clear(&json);
    return act_parse(act, arena, &event, err);
}

static void test_parse(void **state)
{
    static const struct {
        const char *content;
        enum act_type type;
        bool is_written; /* so, again */
    } cases[] = {
        {"{'op':'create','name':'family'}", ACT_CREATE, true},
        {"{'op':'create','name':'street','open':true}", ACT_CREATE, true},
        {"{'op':'create','name':'cabal','secret':true}", ACT_CREATE, true},
        {"{'op':'create','name':'self','scope':'self'}", ACT_CREATE, true},
        {"{'op':'create','name':'new','scope':'newer'}", ACT_CREATE, false},
        {"{'op':'add','who':'" K "','role':'admin'}", ACT_ADD, true},
        {"{'role':'reader','who':'" K "','op':'role','why':[1]}", ACT_ROLE, false},
        {"{'op':'remove','who':'" K "'}", ACT_REMOVE, true},
        {"{'op':'leave'}", ACT_LEAVE, true},
        {"{'op':'void','ids':['" K "','" L "']}", ACT_VOID, true},
        {"{'op':'policy','k':2}", ACT_POLICY, true},
        {"{'op':'policy','k':0}", ACT_POLICY, true},
        {"{'op':'grant','who':'" K "','role':'writer'}", ACT_GRANT, true},
        {"{'op':'grant','who':'" K "','role':'writer','until':9,'entity':'" L "','kind':1571}",
         ACT_GRANT, true},
        {"{'op':'dance','k':2}", ACT_UNKNOWN, false},
        {"{'op':'','k':2}", ACT_UNKNOWN, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct text out = {0};
        struct act act;
        struct span content = quoted(&arena, cases[i].content);
        assert_true(parse(&act, &arena, content, NULL));
        assert_int_equal(act.type, cases[i].type);
        if (act.type == ACT_LEAVE)
            assert_int_equal(act.who.at[0], 9);
        act_write(&out, &act);
        assert_int_equal(span_eq(text_span(&out), content), cases[i].is_written);
        text_clear(&out);
        arena_clear(&arena);
    }
}

static void test_refuse(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{'name':'x'}",
        "{'op':1}",
        "{'op':'create'}",
        "{'op':'create','name':''}",
        "{'op':'create','name':'x','open':1}",
        "{'op':'create','op':'create','name':'x'}",
        ("{'op':'add','who':'" K "'}"),
        ("{'op':'add','who':'" K "','role':'king'}"),
        "{'op':'remove','who':'abc'}",
        "{'op':'void'}",
        "{'op':'void','ids':['x']}",
        "{'op':'create','name':'x','secret':1}",
        "{'op':'leave'} x",
        "{'op':'policy'}",
        "{'op':'policy','k':1}",
        "{'op':'policy','k':1001}",
        "{'op':'grant','who':'" K "'}",
        "{'op':'grant','who':'" K "','role':'writer','until':0}",
        "{'op':'grant','who':'" K "','role':'writer','until':-1}",
        "{'op':'grant','who':'" K "','role':'writer','kind':65536}",
        "{'op':'grant','who':'" K "','role':'writer','entity':'all'}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct act act;
        struct err err;
        print_message("%s\n", cases[i]);
        assert_false(parse(&act, &arena, quoted(&arena, cases[i]), &err));
        assert_int_equal(err.code, ERR_INVALID);
        arena_clear(&arena);
    }
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t excess = 0; excess < 2; excess++) {
        struct arena arena = {0};
        struct text name = {0}, ids = {0};
        struct act act;
        text_add(&name, SPAN("{\"op\":\"create\",\"name\":\""));
        for (size_t i = 0; i < ACT_NAME_BYTES_MAX + excess; i++)
            text_add(&name, SPAN("x"));
        text_add(&name, SPAN("\"}"));
        assert_int_equal(parse(&act, &arena, text_span(&name), NULL), excess == 0);
        text_add(&ids, SPAN("{\"op\":\"void\",\"ids\":[\"" K "\""));
        for (size_t i = 1; i < ACT_IDS_MAX + excess; i++)
            text_add(&ids, SPAN(",\"" K "\""));
        text_add(&ids, SPAN("]}"));
        assert_int_equal(parse(&act, &arena, text_span(&ids), NULL), excess == 0);
        text_clear(&name);
        text_clear(&ids);
        arena_clear(&arena);
    }
}

static void test_epoch(void **state)
{
    static const struct {
        const char *tags;
        bool ok;
    } cases[] = {{"[['epoch','" K "']]", true}, {"[['epoch','x']]", false}, {"[]", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event = {.kind = KIND_KEY_EPOCH};
        struct act act;
        assert_true(event_parse_tags(&event, &arena, quoted(&arena, cases[i].tags), NULL));
        assert_int_equal(act_parse(&act, &arena, &event, NULL), cases[i].ok);
        assert_true(!cases[i].ok || (act.type == ACT_EPOCH && act.epoch.at[0] == 0xaa));
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_refuse),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_epoch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
