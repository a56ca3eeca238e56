/* Wallets that wait at the mint of `shoal-gpu serve --mint`, and others that break the rules. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/node.h"
#include "tests/test.h"
#include "tests/ws.h"

#define Y "02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2"
#define PROOFS(id, filters)                                                               \
    "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\",\"params\":{\"kind\":\"proof_state\"," \
    "\"subId\":\"" id "\",\"filters\":[" filters "]},\"id\":7}"

static const char *binary, *model;
static char folder[] = "/tmp/shoal-herald-XXXXXX", database[256];
static struct node node;

static void change_database(const char *what)
{
    char sql[96];
    PGconn *connection = PQconnectdb(getenv("TEST_DB"));
    snprintf(sql, sizeof sql, "%s DATABASE test_herald_%d", what, (int)getpid());
    PGresult *done = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(connection);
}

static int start(void **state)
{
    char seed[64], password[64], command[512];
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(seed, sizeof seed, "%s/seed", folder);
    snprintf(password, sizeof password, "%s/password", folder);
    snprintf(command, sizeof command,
             "echo secret > %s && %s mint init %s --mint-password-file %s > /dev/null", password,
             binary, seed, password);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): of what stands above
    change_database("CREATE");
    snprintf(database, sizeof database, "%s dbname=test_herald_%d", getenv("TEST_DB"),
             (int)getpid());
    const char *const arguments[] = {
        "--mint", seed, "--mint-password-file", password, "--database", database, model, NULL};
    node_start(&node, binary, arguments);
    (void)unlink(seed);
    (void)unlink(password);
    return 0;
}

static int stop(void **state)
{
    struct ws ws;
    (void)state;
    const struct ws_options options = {.address = {.host = "127.0.0.1", .port = node.port},
                                       .path = "/v1/ws"};
    assert_true(ws_open(&ws, &options)); /* who is still there holds nobody up */
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    ws_close(&ws);
    change_database("DROP");
    return rmdir(folder);
}

static struct ws open_ws(void)
{
    struct ws ws;
    const struct ws_options options = {.address = {.host = "127.0.0.1", .port = node.port},
                                       .path = "/v1/ws"};
    if (!ws_open(&ws, &options))
        fail_msg("%d", ws.status);
    return ws;
}

/* The next text has the part in it. */
static void expect(struct ws *ws, const char *part)
{
    assert_int_equal(ws_receive(ws, wire_now_ms() + WIRE_WAIT_MS), WS_MESSAGE);
    if (memmem(ws->message.at, ws->message.len, part, strlen(part)) == NULL)
        fail_msg("no %s in %.*s", part, (int)ws->message.len, ws->message.at);
}

static void ask(struct ws *ws, const char *text)
{
    assert_true(ws_send_text(ws, (struct span){text, strlen(text)}));
}

static void expect_end(struct ws *ws)
{
    enum ws_result result = ws_receive(ws, wire_now_ms() + WIRE_WAIT_MS);
    assert_true(result == WS_GONE || result == WS_CLOSED);
    ws_close(ws);
}

static void test_told(void **state)
{
    struct ws ws = open_ws();
    (void)state;
    ask(&ws, PROOFS("mine", "\"" Y "\""));
    expect(&ws, "\"result\":{\"status\":\"OK\",\"subId\":\"mine\"},\"id\":7}");
    expect(&ws, "\"method\":\"subscribe\",\"params\":{\"subId\":\"mine\",\"payload\":{\"Y\":\"" Y
                "\",\"state\":\"UNSPENT\",\"witness\":null}}}");
    ask(&ws, "{\"id\":\"x\",\"method\":\"unsubscribe\",\"params\":{\"subId\":\"mine\"}}");
    expect(&ws, "\"id\":\"x\"}");
    /* nobody has such a quote: there is nothing to tell */
    ask(&ws, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"kind\":\"grant_mint_quote\","
             "\"subId\":\"q\",\"filters\":[\"0193a7c4-0000-7000-8000-000000000000\"]}}");
    expect(&ws, "\"id\":1}");
    ask(&ws, PROOFS("next", "\"" Y "\""));
    expect(&ws, "\"subId\":\"next\"}");
    expect(&ws, "UNSPENT");
    ws_close(&ws);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "hello",
        "{}",
        "[]",
        "{\"method\":\"subscribe\",\"params\":{\"subId\":\"\"}}",
        "{\"method\":\"ask\",\"params\":{\"subId\":\"a\"}}",
        "{\"id\":{},\"method\":\"unsubscribe\",\"params\":{\"subId\":\"a\"}}",
        "{\"method\":\"subscribe\",\"params\":{\"subId\":\"a\",\"kind\":\"all\",\"filters\":[\"0\"]"
        "}}",
        "{\"method\":\"subscribe\",\"params\":{\"subId\":\"a\",\"kind\":\"a/b_mint_quote\","
        "\"filters\":[\"0\"]}}",
        PROOFS("a", "\"../../x\""),
        PROOFS("a", "1"),
        PROOFS("a", "\"" Y Y "\"")};
    struct ws ws = open_ws();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ask(&ws, texts[i]);
        expect(&ws, "\"error\":{\"code\":-32602,\"message\":\"");
    }
    ws_close(&ws);
}

static void test_too_many(void **state)
{
    struct ws ws = open_ws();
    struct text text = {0};
    (void)state;
    for (int round = 0; round < 2; round++) {
        text.len = 0;
        text_addf(&text,
                  "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"kind\":\"proof_state\","
                  "\"subId\":\"%d\",\"filters\":[",
                  round);
        for (int i = 0; i < 200; i++)
            text_addf(&text, "%s\"02%064d\"", i > 0 ? "," : "", i);
        text_addf(&text, "]}}");
        assert_true(ws_send_text(&ws, text_span(&text)));
        expect(&ws, round == 0 ? "\"status\":\"OK\"" : "too many");
    }
    text_clear(&text);
    ws_close(&ws);
}

static void test_frames(void **state)
{
    struct ws ws = open_ws();
    struct ws_received frame;
    (void)state;
    static const char text[] = PROOFS("parts", "\"" Y "\"");
    const struct ws_frame parts[] = {
        {.opcode = WS_TEXT, .unfinished = true, .payload = {text, 20}},
        {.opcode = WS_PING, .payload = SPAN("here?")},
        {.opcode = WS_CONTINUATION, .payload = {text + 20, sizeof text - 21}}};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_true(ws_send_frame(&ws, parts + i));
    assert_int_equal(ws_receive_frame(&ws, &frame, wire_now_ms() + WIRE_WAIT_MS), WS_MESSAGE);
    assert_int_equal(frame.opcode, WS_PONG);
    assert_true(span_eq(frame.payload, SPAN("here?")));
    expect(&ws, "\"subId\":\"parts\"");
    expect(&ws, "UNSPENT");
    assert_true(ws_send_close(&ws, 1000, "enough"));
    assert_int_equal(ws_receive(&ws, wire_now_ms() + WIRE_WAIT_MS), WS_CLOSED);
    assert_int_equal(ws.close_code, 1000);
    ws_close(&ws);
}

static void test_against_the_rules(void **state)
{
    static const struct ws_frame wrong[] = {
        {.opcode = WS_TEXT, .unmasked = true, .payload = {"{}", 2}},
        {.opcode = WS_TEXT, .rsv = WS_RSV1, .payload = {"{}", 2}},
        {.opcode = WS_BINARY, .payload = {"{}", 2}},
        {.opcode = WS_CONTINUATION, .payload = {"{}", 2}},
        {.opcode = WS_PING, .unfinished = true},
        {.opcode = 11},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct ws ws = open_ws();
        assert_true(ws_send_frame(&ws, wrong + i));
        expect_end(&ws);
    }
    struct ws ws = open_ws();
    struct text text = {0};
    memset(text_reserve(&text, 1 << 18), ' ', 1 << 18);
    text.len = 1 << 18;
    (void)ws_send_text(&ws, text_span(&text));
    text_clear(&text);
    expect_end(&ws);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_against_the_rules),
    };
    if (argc != 3)
        return EXIT_FAILURE;
    binary = argv[1];
    model = argv[2];
    return cmocka_run_group_tests(tests, start, stop);
}
