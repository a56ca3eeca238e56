/* `shoal-gpu serve --price`: OpenAI's API with a token for a key. What it asks for, what it costs,
 * what comes back; who pays nothing, who leaves, and a node that is killed among a hundred jobs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/keys.h"
#include "gpu/seed.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/receipt.h"
#include "tests/fetch.h"
#include "tests/node.h"
#include "tests/scratch.h"
#include "tests/stall.h"
#include "tests/test.h"
#include "tests/wire.h"

#define CHAT_PATH "/v1/chat/completions"
#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define SAID "Hello! Ask me what a relay is."
#define URL "http://node.example"
#define KEY "the operator's own key"
/* To the end of the context, which is 256. */
#define FOREVER "{\"temperature\":9,\"logit_bias\":{\"257\":-100}," HELLO

enum { JOBS = 100 };

static const char *binary, *model;
static char folder[] = "/tmp/shoal-paid-XXXXXX";
static char database[256];
static struct stall stall;
static struct node nodes[2];

/* 24 tokens of prompt: 2.4; 12 for all 30 of the answer. */
static const struct price price = {
    .prompt = 100000, .cached = 10000, .output = 400000, .request = 1};
#define PRICE "100000/400000/10000/1"

static char *path(const char *name)
{
    return scratch_format("%s/%s", folder, name);
}

static void write_line(const char *file, const char *line)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "%s\n", line);
    fclose(out);
    chmod(file, 0600);
}

static void change_database(const char *what, const char *how)
{
    PGconn *connection = PQconnectdb(getenv("TEST_DB"));
    PGresult *done =
        PQexec(connection, scratch_format("%s DATABASE test_paid_%d%s", what, (int)getpid(), how));
    assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(connection);
}

/* A file as `shoal-gpu mint init` and `shoal identity new` make it. */
static struct keys *make_key(const char *name)
{
    const struct seed_options options = {path(name), path("password")};
    struct err err;
    if (!seed_make(&options, &err))
        fail_msg("%s", err.text);
    struct keys *keys = seed_open(&options, &err);
    assert_non_null(keys);
    return keys;
}

static void start_node(struct node *node)
{
    const char *const arguments[] = {"--name",
                                     "demo",
                                     "--mint",
                                     path("seed"),
                                     "--mint-password-file",
                                     path("password"),
                                     "--database",
                                     database,
                                     "--api-key-file",
                                     path("keys"),
                                     "--key",
                                     path("key"),
                                     "--password-file",
                                     path("password"),
                                     "--price",
                                     PRICE,
                                     "--mint-url",
                                     URL,
                                     model,
                                     NULL};
    node_start(node, binary, arguments);
}

static int start(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    change_database("CREATE", "");
    snprintf(database, sizeof database, "%s dbname=test_paid_%d", getenv("TEST_DB"), (int)getpid());
    write_line(path("password"), "a password");
    write_line(path("keys"), KEY);
    struct keys *seed = make_key("seed");
    stall.conninfo = database;
    stall.seed = *keys_secret(seed);
    keys_free(seed);
    keys_free(make_key("key"));
    stall_open(&stall, model, &price);
    start_node(&nodes[0]);
    return 0;
}

static int stop(void **state)
{
    static const char *const files[] = {"password", "keys", "seed", "key"};
    (void)state;
    int status = node_stop(&nodes[0], SIGTERM);
    stall_close(&stall);
    change_database("DROP", " WITH (FORCE)");
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(path(files[i]));
    rmdir(folder);
    scratch_clear();
    return status;
}

/* ---- asking ---- */

static const char *write_token(const struct token *token)
{
    struct text text = {0};
    token_write(&text, token);
    const char *copy = scratch_format("%.*s", (int)text.len, text.at);
    text_clear(&text);
    return copy;
}

static const char *fresh(uint64_t amount)
{
    struct token token = stall_token(&stall, "ccr", amount);
    return write_token(&token);
}

static struct fetch_answer post(const char *token, const char *body)
{
    const char *header = token != NULL ? scratch_format("X-Cashu: %s\r\n", token) : "";
    return fetch_with(nodes[0].port, scratch_format("POST " CHAT_PATH " HTTP/1.1\r\n%s", header),
                      (struct span){body, strlen(body)});
}

static void expect(const struct fetch_answer *answer, int status, const char *words)
{
    if (answer->status != status || strstr(answer->body, words) == NULL)
        fail_msg("%d, not %d '%s': %s", answer->status, status, words, answer->body);
}

/* What a token is worth, which must be the mint's own. */
static uint64_t worth(const char *text)
{
    struct token token;
    struct err err;
    uint64_t sum;
    assert_non_null(text);
    if (!token_read(&token, &stall.arena, (struct span){text, strlen(text)}, &err))
        fail_msg("%s: %s", err.text, text);
    assert_true(span_eq(token.mint, SPAN(URL)) && span_eq(token.unit, SPAN("ccr")));
    assert_true(token_sum(&sum, &token));
    for (uint32_t i = 0; i < token.count; i++)
        assert_true(token.proofs[i].has_dleq);
    return sum;
}

static void test_wanted(void **state)
{
    (void)state;
    struct fetch_answer answer = post(NULL, "{\"max_tokens\":10," HELLO "}");
    expect(&answer, 402, "\"code\":\"payment_required\"");
    const char *wanted = fetch_header(&answer, "X-Cashu");
    assert_true(wanted != NULL && strncmp(wanted, "creqA", 5) == 0);
    answer = post(NULL, "{\"max_tokens\":10,\"messages\":[]}");
    expect(&answer, 400, "there is no message");
    answer =
        fetch_with(nodes[0].port, "POST /v1/embeddings HTTP/1.1\r\n", SPAN("{\"input\":\"a\"}"));
    expect(&answer, 401, "no valid API key");
}

static void test_key(void **state)
{
    (void)state;
    struct fetch_answer answer = fetch_with(
        nodes[0].port, "POST " CHAT_PATH " HTTP/1.1\r\nAuthorization: Bearer " KEY "\r\n",
        SPAN("{\"temperature\":0," HELLO "}"));
    expect(&answer, 200, SAID);
    assert_null(fetch_header(&answer, "X-Cashu"));
}

static void expect_receipt(const char *json, uint64_t amount)
{
    struct event event;
    struct receipt receipt;
    struct err err;
    assert_non_null(json);
    assert_true(event_parse(&event, &stall.arena, (struct span){json, strlen(json)}, &err));
    assert_true(event_check_id(&event));
    assert_true(receipt_read(&receipt, &stall.arena, &event, &err));
    assert_int_equal(receipt.amount, amount);
    assert_int_equal(receipt.output_tokens, 30);
}

/* The change is good for the next one; the token is not good again. */
static void test_whole(void **state)
{
    (void)state;
    const char *body = "{\"temperature\":0,\"max_tokens\":50," HELLO "}";
    const char *token = fresh(100);
    struct fetch_answer answer = post(token, body);
    expect(&answer, 200, SAID);
    const char *change = fetch_header(&answer, "X-Cashu");
    uint64_t cost = 100 - worth(change);
    assert_true(cost >= 1 + 13 &&
                cost <= 1 + 15); /* as much of the prompt as was kept is cheaper */
    expect_receipt(fetch_header(&answer, "X-Receipt"), cost);
    answer = post(change, body);
    expect(&answer, 200, SAID);
    assert_true(worth(fetch_header(&answer, "X-Cashu")) < 100 - cost);
    answer = post(token, body);
    expect(&answer, 400, "\"code\":\"payment_invalid\"");
    answer = post("cashuBnonsense", body);
    expect(&answer, 400, "\"code\":\"payment_invalid\"");
}

/* Of a list that begins with "[". */
static size_t numbers_in(const char *list)
{
    size_t count = 1;
    for (const char *at = strchr(list, '['); *at != ']'; at++)
        count += *at == ',';
    return count;
}

static void test_stream(void **state)
{
    (void)state;
    struct fetch_answer answer =
        post(fresh(64), "{\"stream\":true,\"temperature\":0,\"max_tokens\":50," HELLO "}");
    expect(&answer, 200,
           "data: [DONE]\n\nevent: change\ndata: {\"object\":\"change\",\"token\":\"");
    const char *change = strstr(answer.body, "event: change");
    char *token = strdup(strstr(change, "cashuB"));
    *strchr(token, '"') = '\0';
    const char *receipt = strstr(change, "\"receipt\":") + strlen("\"receipt\":");
    const char *tokens = strstr(receipt, ",\"tokens\":[");
    assert_non_null(tokens);
    uint64_t cost = 64 - worth(token);
    assert_true(cost >= 1 + 13 && cost <= 1 + 15);
    expect_receipt(scratch_format("%.*s", (int)(tokens - receipt), receipt), cost);
    assert_int_equal(numbers_in(tokens), 30);
    assert_string_equal(strchr(tokens, ']'), "]}\n\n");
    free(token);
}

/* A token that is worth less buys less, unless how much is wanted was said. */
static void test_little(void **state)
{
    (void)state;
    struct fetch_answer answer = post(fresh(8), "{\"temperature\":0,\"max_tokens\":50," HELLO "}");
    expect(&answer, 402, "payment_required");
    assert_true(strncmp(fetch_header(&answer, "X-Cashu"), "creqA", 5) == 0);
    answer = post(fresh(8), "{\"temperature\":0," HELLO "}");
    expect(&answer, 200, "\"finish_reason\":\"length\"");
    expect(&answer, 200, "\"completion_tokens\":10"); /* 8 less 4 for the prompt and the request */
    answer = post(fresh(2), "{\"temperature\":0," HELLO "}");
    expect(&answer, 402, "payment_required");
}

/* Who leaves in the middle pays for what was said until then: the rest waits for the token's own
 * wallet at the mint. */
static void test_vanished(void **state)
{
    (void)state;
    struct wire wire;
    char first[64];
    size_t received;
    const char *body = FOREVER ",\"stream\":true,\"max_tokens\":200}";
    const char *request = scratch_format("POST " CHAT_PATH " HTTP/1.1\r\nHost: x\r\nX-Cashu: %s\r\n"
                                         "Content-Length: %zu\r\n\r\n%s",
                                         fresh(200), strlen(body), body);
    assert_true(
        wire_open(&wire, &(struct wire_address){"127.0.0.1", nodes[0].port, NULL, NULL, 0}));
    wire_send(&wire, (struct span){request, strlen(request)}, wire_now_ms() + WIRE_WAIT_MS);
    assert_int_equal(
        wire_receive(&wire, first, sizeof first, &received, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
    wire_reset(&wire);
    stall_await(&stall, "SELECT count(*) FROM job WHERE state IN (2, 3)", 0);
    assert_int_equal(stall_number(&stall, "SELECT count(*) FROM job j JOIN melt_quote q ON q.id ="
                                          " j.quote WHERE j.tokens_max = 200 AND q.cost = j.cost"
                                          " AND q.state = 2 AND j.state IN (4, 6)"),
                     1);
}

/* ---- a hundred jobs, two nodes, one of which is killed ---- */

static struct stall_quote quotes[JOBS];

static void check_job(const struct stall_quote *quote)
{
    struct order_view view;
    struct err err;
    struct span state;
    struct text text = {0};
    uint64_t cost;
    assert_int_equal(order_look(stall.orders, &view, &stall.arena, &quote->id, 0, &err),
                     ORDER_DONE);
    assert_string_equal(order_state_name(view.state), "COMPLETED");
    for (uint32_t i = 0; i < view.more_count; i++)
        text_add(&text, view.more[i].text);
    if (!span_eq(text_span(&text), SPAN(SAID)))
        fail_msg("'%.*s'", (int)text.len, text.at);
    text_clear(&text);
    struct price_usage usage = {view.prompt_tokens, view.cached_tokens, view.delivered};
    assert_true(price_charge(&cost, &price, &usage, &err));
    assert_int_equal(view.cost, cost);
    assert_int_equal(stall_back(&stall, quote, &state), quote->amount + quote->reserve - cost);
}

static void test_killed(void **state)
{
    (void)state;
    assert_int_equal(node_stop(&nodes[0], SIGTERM), 0);
    for (size_t i = 0; i < JOBS; i++) {
        quotes[i] = stall_quote(&stall, "ccr", "{\"temperature\":0,\"max_tokens\":50," HELLO "}");
        stall_pay(&stall, &quotes[i], "ccr");
    }
    start_node(&nodes[0]);
    start_node(&nodes[1]);
    stall_await(&stall, "SELECT (count(*) > 10)::int FROM job WHERE state = 4 AND attempts > 0", 1);
    assert_int_equal(node_stop(&nodes[1], SIGKILL), 128 + SIGKILL);
    stall_sql(&stall,
              "UPDATE job SET lease_until = now() WHERE state IN (2, 3)"); /* time goes by */
    stall_await(&stall, "SELECT count(*) FROM job WHERE state IN (1, 2, 3)", 0);
    for (size_t i = 0; i < JOBS; i++)
        check_job(&quotes[i]);
    assert_int_equal(stall_number(&stall,
                                  "SELECT count(DISTINCT worker) FROM job WHERE worker IS NOT"
                                  " NULL AND paid_at > now() - interval '1 h'") >= 2,
                     true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted), cmocka_unit_test(test_key),
        cmocka_unit_test(test_whole),  cmocka_unit_test(test_stream),
        cmocka_unit_test(test_little), cmocka_unit_test(test_vanished),
        cmocka_unit_test(test_killed),
    };
    if (argc != 3)
        return 2;
    binary = argv[1];
    model = argv[2];
    return cmocka_run_group_tests(tests, start, stop);
}
