#include "client/hlc.h"
#include "client/op.h"
#include "client/operation.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/test.h"

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static bool parse(struct operation *operation, struct err *err, const char *act,
                  const char *payload, const char *hlc)
{
    struct text json = {0};
    text_addf(&json,
              "{\"id\":\"o\",\"entityType\":\"note\",\"entityId\":\"n\",\"operation\":\"%s\","
              "\"payload\":%s,\"hlcTimestamp\":%s,\"vectorClock\":{\"a\":1}}",
              act, payload, hlc);
    struct span copy = arena_copy(&arena, text_span(&json));
    text_clear(&json);
    return operation_parse(operation, &arena, copy, err);
}

static void test_acts(void **state)
{
    static const struct {
        const char *name;
        enum operation_act act;
    } cases[] = {
        {"create", OPERATION_CREATE}, {"insert", OPERATION_CREATE}, {"update", OPERATION_UPDATE},
        {"set", OPERATION_UPDATE},    {"patch", OPERATION_UPDATE},  {"upsert", OPERATION_UPDATE},
        {"delete", OPERATION_DELETE}, {"remove", OPERATION_DELETE}, {"restore", OPERATION_RESTORE}};
    struct operation operation;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(parse(&operation, &err, cases[i].name, "null", "5"));
        assert_int_equal(operation.act, cases[i].act);
        assert_int_equal(operation.payload.len, 0);
    }
    assert_false(parse(&operation, &err, "Create", "null", "5"));
    assert_string_equal(err.text, "operation 'Create' is none that is known");
}

static void test_clocks(void **state)
{
    static const struct {
        const char *json;
        uint64_t ms;
        uint16_t counter;
    } cases[] = {{"\"018bcfe5687b0002\"", 0x018bcfe5687b, 2},
                 {"1700000000000", 1700000000000, 0},
                 {"1.7e12", 1700000000000, 0},
                 {"0", 0, 0},
                 {"\"1700000000000\"", 1700000000000, 0},
                 {"\"1700000000000:3\"", 1700000000000, 3},
                 {"\"1700000000000-7-some node\"", 1700000000000, 7},
                 {"\"1700000000000:99999999\"", 1700000000000, 65535},
                 {"\"7fffffffffffffff\"", 0x7fffffffffff, 65535},
                 {"140737488355327", 140737488355327, 0}};
    static const char *const wrong[] = {"\"\"",
                                        "\"x\"",
                                        "null",
                                        "{}",
                                        "-1",
                                        "1.5",
                                        "\":3\"",
                                        "true",
                                        "\"8000000000000000\"",
                                        "140737488355328",
                                        "\"140737488355328\""};
    struct operation operation;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(parse(&operation, NULL, "set", "{}", cases[i].json));
        assert_int_equal(hlc_ms(operation.hlc), cases[i].ms);
        assert_int_equal(operation.hlc & 0xffff, cases[i].counter);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(parse(&operation, NULL, "set", "{}", wrong[i]));
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"id\":5}",
        "{\"id\":\"\"}",
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"entityType\":\"b\",\"entityId\":\"c\"}",
        "{\"id\":\"a\",\"entityType\":\"b\",\"entityId\":\"c\",\"operation\":\"set\"}",
    };
    struct operation operation;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(
            operation_parse(&operation, &arena, (struct span){cases[i], strlen(cases[i])}, NULL));
    assert_false(parse(&operation, NULL, "set", "7", "5"));
}

static void test_name_length(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct text json = {0};
        struct operation operation;
        text_add(&json, SPAN("{\"id\":\""));
        for (int i = 0; i < OPERATION_NAME_BYTES_MAX + extra; i++)
            text_add(&json, SPAN("x"));
        text_add(&json, SPAN("\",\"entityType\":\"b\",\"entityId\":\"c\",\"operation\":\"set\","
                             "\"hlcTimestamp\":5}"));
        assert_int_equal(operation_parse(&operation, &arena, text_span(&json), NULL), extra == 0);
        text_clear(&json);
    }
}

static void test_fields(void **state)
{
    struct operation operation;
    struct operation_field *fields;
    size_t count;
    struct err err;
    (void)state;
    assert_true(parse(&operation, &err, "set", "{ \"a\" : [ 1.0 ], \"b\":null}", "5"));
    assert_int_equal(operation.event.len, 0);
    assert_true(operation_fields(&operation, &fields, &count, &arena, &err));
    assert_int_equal(count, 2);
    assert_true(span_eq(fields[0].key, SPAN("a")) && span_eq(fields[0].json, SPAN("[1]")));
    assert_true(span_eq(fields[1].key, SPAN("b")) && span_eq(fields[1].json, SPAN("null")));
    assert_true(parse(&operation, &err, "set", "null", "5"));
    assert_true(operation_fields(&operation, &fields, &count, &arena, &err));
    assert_int_equal(count, 0);
    static const char *const wrong[] = {"{\"_a\":1}", "{\"\":1}", "{\"a\":9007199254740993}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_true(parse(&operation, &err, "set", wrong[i], "5"));
        assert_false(operation_fields(&operation, &fields, &count, &arena, &err));
    }
    assert_true(parse(&operation, &err, "set", "{\"_event\":{\"id\":1}}", "5"));
    assert_true(span_eq(operation.event, SPAN("{\"id\":1}")));
}

static void check_written(const struct event *event, const struct operation_place *place,
                          const char *wanted)
{
    struct text out = {0};
    operation_write(&out, event, SPAN("{}"), place);
    text_add(&out, (struct span){"", 1});
    assert_string_equal(out.at, wanted);
    text_clear(&out);
}

#define ZEROES "00000000000000000000000000000000000000000000000000000000000000"
#define CLOCK "},\"hlcTimestamp\":\"0000000000050001\",\"vectorClock\":"

static void test_write(void **state)
{
    struct event event = {.id = {{1}}, .kind = KIND_OP};
    const struct bytes32 other = {{2}};
    struct operation_place place = {SPAN("note"), &event.id, hlc_make(5, 1)};
    (void)state;
    event.content_json =
        SPAN("[{\\\"op\\\":\\\"create\\\",\\\"type\\\":\\\"note\\\"},{\\\"op\\\":"
             "\\\"set\\\",\\\"k\\\":\\\"a\\\",\\\"v\\\":1},{\\\"op\\\":\\\"set\\\","
             "\\\"k\\\":\\\"a\\\",\\\"v\\\":[2]},{\\\"op\\\":\\\"del\\\",\\\"k\\\":"
             "\\\"b\\\"},{\\\"op\\\":\\\"set\\\",\\\"k\\\":\\\"_x\\\",\\\"v\\\":3}]");
    check_written(
        &event, &place,
        "{\"id\":\"01" ZEROES "\",\"entityType\":\"note\",\"entityId\":\"01" ZEROES
        "\",\"operation\":\"create\",\"payload\":{\"a\":[2],\"b\":null,\"_event\":{}" CLOCK);
    place.root = &other;
    place.type = SPAN("");
    event.content_json = SPAN("{\\\"op\\\":\\\"set\\\",\\\"k\\\":\\\"_del\\\",\\\"v\\\":true}");
    check_written(&event, &place,
                  "{\"id\":\"01" ZEROES "\",\"entityType\":\"entity\",\"entityId\":\"02" ZEROES
                  "\",\"operation\":\"delete\",\"payload\":{\"_event\":{}" CLOCK);
    event.content_json = SPAN("{\\\"op\\\":\\\"set\\\",\\\"k\\\":\\\"_del\\\",\\\"v\\\":false}");
    check_written(&event, &place,
                  "{\"id\":\"01" ZEROES "\",\"entityType\":\"entity\",\"entityId\":\"02" ZEROES
                  "\",\"operation\":\"restore\",\"payload\":{\"_event\":{}" CLOCK);
    event.content_json = SPAN("nonsense");
    check_written(&event, &place,
                  "{\"id\":\"01" ZEROES "\",\"entityType\":\"entity\",\"entityId\":\"02" ZEROES
                  "\",\"operation\":\"update\",\"payload\":{\"_event\":{}" CLOCK);
    place.root = NULL;
    event.kind = KIND_NOTE;
    event.content_json = SPAN("a \\\"fish\\\"");
    check_written(
        &event, &place,
        "{\"id\":\"01" ZEROES "\",\"entityType\":\"post\",\"entityId\":\"01" ZEROES
        "\",\"operation\":\"create\",\"payload\":{\"kind\":1,\"content\":\"a \\\"fish\\\"\","
        "\"_event\":{}" CLOCK);
    event.kind = KIND_RELAY_LIST;
    check_written(&event, &place,
                  "{\"id\":\"01" ZEROES "\",\"entityType\":\"event\",\"entityId\":\"01" ZEROES
                  "\",\"operation\":\"create\",\"payload\":{\"kind\":10002,\"content\":"
                  "\"a \\\"fish\\\"\",\"_event\":{}" CLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_acts, clear),
        cmocka_unit_test_teardown(test_clocks, clear),
        cmocka_unit_test_teardown(test_refused, clear),
        cmocka_unit_test_teardown(test_name_length, clear),
        cmocka_unit_test_teardown(test_fields, clear),
        cmocka_unit_test_teardown(test_write, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
