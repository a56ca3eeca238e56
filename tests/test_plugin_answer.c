/* What a policy plugin may say. */
#include "relay/plugin_answer.h"

#include <stdio.h>

#include "shared/arena.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define ID "6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435"

static void test_read(void **state)
{
    static const struct {
        const char *line;
        enum plugin_action action;
        enum err_code code;
        const char *text;
    } cases[] = {
        {"{'id':'" ID "','action':'accept'}", PLUGIN_ACCEPT, ERR_BLOCKED,
         "by the policy of this relay"},
        {" { 'msg' : 'x' , 'action' : 'reject' , 'id' : '" ID "' } ", PLUGIN_REJECT, ERR_BLOCKED,
         "x"},
        {"{'id':'" ID "','action':'reject','msg':'pow: more'}", PLUGIN_REJECT, ERR_POW, "more"},
        {"{'id':'" ID "','action':'reject','msg':'auth-required:'}", PLUGIN_REJECT,
         ERR_AUTH_REQUIRED, "by the policy of this relay"},
        {"{'id':'" ID "','action':'reject','msg':'power: x'}", PLUGIN_REJECT, ERR_BLOCKED,
         "power: x"},
        {"{'id':'" ID "','action':'shadowReject','msg':null,'more':[{}]}", PLUGIN_SHADOW_REJECT,
         ERR_BLOCKED, "by the policy of this relay"},
        {"{'id':'" ID "','action':'reject','msg':'a\\nb\\u0000c'}", PLUGIN_REJECT, ERR_BLOCKED,
         "a b c"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct plugin_answer answer;
        print_message("%s\n", cases[i].line);
        assert_true(plugin_answer_read(&answer, &arena, quoted(&arena, cases[i].line), NULL));
        assert_memory_equal(&answer.id, "abcdefghijklmnopqrstuvwxyz012345", 32);
        assert_int_equal(answer.action, cases[i].action);
        assert_int_equal(answer.why.code, cases[i].code);
        assert_string_equal(answer.why.text, cases[i].text);
        arena_clear(&arena);
    }
}

/* Longer than a refusal may be: cut between characters. */
static void test_long(void **state)
{
    struct arena arena = {0};
    struct plugin_answer answer;
    char line[400];
    (void)state;
    snprintf(
        line, sizeof line, "{'id':'" ID "','action':'reject','msg':'%058d%s'}", 0,
        "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
        "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
        "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
    assert_true(plugin_answer_read(&answer, &arena, quoted(&arena, line), NULL));
    assert_int_equal(strlen(answer.why.text), 58 + 19 * 3);
    arena_clear(&arena);
}

static void test_refuse(void **state)
{
    static const char *const lines[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "{'id':'" ID "'}",
                                        "{'action':'accept'}",
                                        "{'id':'" ID "','action':'Accept'}",
                                        "{'id':'" ID "','action':1}",
                                        "{'id':'abc','action':'accept'}",
                                        "{'id':'" ID "','action':'accept'",
                                        "{'id':'" ID "','action':'accept'} x",
                                        "\xff"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct arena arena = {0};
        struct plugin_answer answer;
        struct err err = {0};
        print_message("%s\n", lines[i]);
        assert_false(plugin_answer_read(&answer, &arena, quoted(&arena, lines[i]), &err));
        assert_true(strlen(err.text) > 0);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_refuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
