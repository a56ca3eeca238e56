/* `shoal-gpu serve` as applications have it: OpenAI's API and Ollama's, on the demonstration model,
 * which knows its answers by heart. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/scan.h"
#include "tests/fetch.h"
#include "tests/node.h"
#include "tests/scratch.h"
#include "tests/test.h"
#include "tests/wire.h"

#define JSON "application/json"
#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define WHOLE "{\"model\":\"demo\",\"stream\":false,\"prompt\":\"Hello\",%s%s}"
#define SAID "Hello! Ask me what a relay is."

static const char *binary, *folder;
static struct node node;

static struct fetch_answer post(const char *path, const char *body)
{
    return fetch_with(node.port, scratch_format("POST %s HTTP/1.1\r\n", path),
                      (struct span){body, strlen(body)});
}

static void expect(struct fetch_answer answer, int status, const char *words)
{
    if (answer.status != status || strstr(answer.body, words) == NULL)
        fail_msg("%d, not %d '%s': %s", answer.status, status, words, answer.body);
    assert_string_equal(fetch_header(&answer, "Content-Type"), JSON);
    struct scan scan = scan_begin((struct span){answer.body, answer.body_len});
    assert_true(scan_skip(&scan, NULL) && scan_end(&scan, NULL));
}

static int start(void **state)
{
    const char *const arguments[] = {"--name", "demo", folder, NULL};
    (void)state;
    node_start(&node, binary, arguments);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_clear();
    return node_stop(&node, SIGTERM);
}

static void test_openai(void **state)
{
    (void)state;
    const char *chat = "/v1/chat/completions";
    const char *text = "/v1/completions";
    expect(post(chat, "{\"model\":\"demo\",\"temperature\":0," HELLO "}"), 200,
           "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" SAID
           "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
           "\"prompt_tokens\":24,\"completion_tokens\":30,");
    expect(
        post(chat, "{\"temperature\":0,\"max_tokens\":5," HELLO "}"), 200,
        "\"content\":\"Hello\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"length\"");
    expect(post(chat, "{\"temperature\":0,\"stop\":[\"nothing\",\" a rel\"]," HELLO "}"), 200,
           "\"content\":\"Hello! Ask me what\",\"refusal\":null},\"logprobs\":null,"
           "\"finish_reason\":\"stop\"");
    expect(post(text, "{\"prompt\":\"A relay\",\"max_tokens\":20,\"temperature\":0}"), 200,
           "\"object\":\"text_completion\"");
    expect(post(text, "{\"prompt\":[\"A relay\",\"A key\"],\"max_tokens\":2,\"echo\":true}"), 200,
           "{\"index\":1,\"text\":\"A key");
    expect(post(text, "{\"prompt\":[65,32,114,101,108,97,121],\"max_tokens\":2}"), 200,
           "\"prompt_tokens\":7,\"completion_tokens\":2");
    expect(fetch(node.port, "GET /v1/models HTTP/1.1\r\n"), 200, "{\"id\":\"demo\",");
    expect(fetch(node.port, "GET /v1/models/demo HTTP/1.1\r\n"), 200, "{\"id\":\"demo\",");
    expect(post("/v1/embeddings", "{\"input\":[\"a\",\"b\"]}"), 200,
           "\"method\":\"mean of the last hidden states\",\"usage\":{\"prompt_tokens\":2,"
           "\"total_tokens\":2}}");
}

/* The same seed gives the same answer, another one another; a bias has its way. */
static void test_choice(void **state)
{
    (void)state;
    const char *texts[3];
    for (int i = 0; i < 3; i++) {
        struct fetch_answer answer =
            post("/v1/completions",
                 scratch_format(
                     "{\"prompt\":\"A\",\"max_tokens\":40,\"temperature\":3,\"seed\":%d}", i / 2));
        texts[i] = strstr(answer.body, "\"choices\"");
        assert_non_null(texts[i]);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_string_not_equal(texts[0], texts[2]);
    expect(post("/v1/completions", "{\"prompt\":\"A\",\"max_tokens\":3,\"logit_bias\":{\"65\":100},"
                                   "\"temperature\":0}"),
           200, "\"text\":\"");
}

/* What all frames have said together; no escape is in it. */
static const char *said_in(const char *frames)
{
    char *said = scratch_alloc(strlen(frames) + 1);
    size_t len = 0;
    for (const char *at = frames; (at = strstr(at, "\"content\":\"")) != NULL;) {
        at += strlen("\"content\":\"");
        while (*at != '"')
            said[len++] = *at++;
    }
    return said;
}

static void test_stream(void **state)
{
    (void)state;
    struct fetch_answer answer =
        post("/v1/chat/completions", "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                     "\"temperature\":0," HELLO "}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(fetch_header(&answer, "Content-Type"), "text/event-stream");
    assert_non_null(strstr(answer.body, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}"));
    assert_non_null(
        strstr(answer.body, "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\""));
    assert_non_null(strstr(answer.body, ",\"choices\":[],\"usage\":{\"prompt_tokens\":24,"));
    assert_non_null(strstr(answer.body, "\n\ndata: [DONE]\n\n"));
    assert_string_equal(said_in(answer.body), SAID);
}

static void test_ollama(void **state)
{
    (void)state;
    const char *options = "\"options\":{\"temperature\":0,\"repeat_penalty\":1}";
    struct fetch_answer answer =
        post("/api/chat", scratch_format("{\"model\":\"demo:latest\"," HELLO ",%s}", options));
    assert_string_equal(fetch_header(&answer, "Content-Type"), "application/x-ndjson");
    assert_non_null(strstr(answer.body, "\"message\":{\"role\":\"assistant\",\"content\":\"H"));
    assert_string_equal(said_in(answer.body), SAID);
    assert_non_null(strstr(answer.body, "\"done\":true,\"done_reason\":\"stop\""));
    assert_non_null(strstr(answer.body, "\"eval_count\":30,"));
    expect(post("/api/generate", scratch_format(WHOLE, options, "")), 200,
           "\"response\":\"" SAID "\",\"done\":true");
    expect(post("/api/generate", scratch_format(WHOLE, options, ",\"raw\":true")), 200,
           "\"prompt_eval_count\":5,");
    expect(post("/api/generate", "{\"model\":\"demo\",\"stream\":false}"), 200,
           "\"done_reason\":\"load\"");
    expect(fetch(node.port, "GET /api/tags HTTP/1.1\r\n"), 200, "{\"models\":[{\"name\":\"demo\",");
    expect(fetch(node.port, "GET /api/version HTTP/1.1\r\n"), 200, "{\"version\":\"");
    expect(post("/api/show", "{\"model\":\"demo\"}"), 200, "\"llama.context_length\":256");
    expect(post("/api/embed", "{\"model\":\"demo\",\"input\":\"a\"}"), 200, "\"embeddings\":[[");
    expect(post("/api/embeddings", "{\"model\":\"demo\",\"prompt\":\"a\"}"), 200,
           "{\"embedding\":[");
    expect(post("/api/chat", "{\"model\":\"other\"," HELLO "}"), 404,
           "{\"error\":\"there is no model 'other' here: this node has 'demo'\"}");
    expect(post("/api/chat", "{" HELLO "}"), 400, "{\"error\":\"model is missing\"}");
}

static void test_refuse(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *words;
    } wrong[] = {
        {"{", 400, "\"message\":\"the body is no JSON: "},
        {"[]", 400, "the body is no JSON object"},
        {"{}", 400, "\"type\":\"invalid_request_error\",\"param\":\"messages\",\"code\":null"},
        {"{\"messages\":[]}", 400, "there is no message"},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}", 400, "the role of message 0"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", 400,
         "the content of message 0 is not text"},
        {"{\"model\":\"gpt-4\"," HELLO "}", 404,
         "\"param\":\"model\",\"code\":\"model_not_found\""},
        {"{\"temperature\":-1," HELLO "}", 400, "\"param\":\"temperature\""},
        {"{\"temperature\":\"hot\"," HELLO "}", 400, "temperature is a number, 0 to 100"},
        {"{\"max_tokens\":0," HELLO "}", 400, "\"param\":\"max_tokens\""},
        {"{\"n\":2," HELLO "}", 400, "\"param\":\"n\""},
        {"{\"tools\":[{\"type\":\"function\"}]," HELLO "}", 400, "tools is not supported here"},
        {"{\"response_format\":{\"type\":\"json_object\"}," HELLO "}", 400, "answers are text"},
        {"{\"logit_bias\":{\"x\":1}," HELLO "}", 400, "\"param\":\"logit_bias\""},
        {"{\"logit_bias\":{\"99999\":1}," HELLO "}", 400, "is of no token"},
        {"{\"stop\":\"\"," HELLO "}", 400, "\"param\":\"stop\""},
        {"{\"stream\":1," HELLO "}", 400, "stream is true or false"},
        {"{\"seed\":1.5," HELLO "}", 400, "seed is a whole number"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        expect(post("/v1/chat/completions", wrong[i].body), wrong[i].status, wrong[i].words);
    char *words = scratch_repeat("word", 100, " ");
    expect(post("/v1/completions", scratch_format("{\"prompt\":\"%s\"}", words)), 400,
           "\"code\":\"context_length_exceeded\"");
    expect(post("/v1/completions", "{\"prompt\":\"\"}"), 400, "prompt is empty");
    expect(post("/v1/completions", "{\"prompt\":[99999]}"), 400, "no token 99999");
    expect(post("/v1/nothing", "{}"), 404, "there is nothing at /v1/nothing");
    expect(post("/v1/models", "{}"), 405, "/v1/models is for GET");
    expect(fetch(node.port, "GET /v1/models/x HTTP/1.1\r\n"), 404, "model_not_found");
    expect(fetch(node.port, "GET /v1/models HTTP/1.1\r\nOrigin: https://example.com\r\n"), 403,
           "pages from elsewhere");
    struct fetch_answer own =
        fetch(node.port, "OPTIONS /v1/models HTTP/1.1\r\nOrigin: http://localhost:3000\r\n"
                         "Access-Control-Request-Headers: authorization\r\n");
    assert_int_equal(own.status, 204);
    assert_string_equal(fetch_header(&own, "Access-Control-Allow-Headers"), "authorization");
    char *body = scratch_alloc((4 << 20) + 2);
    memset(body, ' ', (4 << 20) + 1);
    expect(post("/v1/completions", body), 413, "the body is too long");
}

static void test_health(void **state)
{
    (void)state;
    expect(fetch(node.port, "GET /health HTTP/1.1\r\n"), 200, "{\"status\":\"ok\"}");
    expect(post("/v1/completions", "{\"prompt\":\"A\",\"max_tokens\":7,\"logit_bias\":{\"1\":0}}"),
           200, "\"text\":");
    struct fetch_answer answer = fetch(node.port, "GET /metrics HTTP/1.1\r\n");
    assert_non_null(strstr(answer.body, "# TYPE shoal_gpu_requests_total counter\n"
                                        "shoal_gpu_requests_total 1\n"));
    assert_non_null(strstr(answer.body, "\nshoal_gpu_jobs_running 0\n"));
}

/* ---- clients that leave, and a node that stops ---- */

/* One that goes on to the end of its context: the token that ends answers is never chosen. */
#define LONG "\"prompt\":\"A\",\"max_tokens\":250,\"temperature\":9,\"logit_bias\":{\"257\":-100}"

static struct wire ask(const char *body)
{
    struct wire wire;
    const char *request = scratch_format("POST /v1/completions HTTP/1.1\r\nHost: x\r\n"
                                         "Content-Length: %zu\r\n\r\n%s",
                                         strlen(body), body);
    assert_true(wire_open(&wire, &(struct wire_address){.host = "127.0.0.1", .port = node.port}));
    assert_int_equal(
        wire_send(&wire, (struct span){request, strlen(request)}, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
    return wire;
}

/* The beginning of an answer, NUL-terminated. */
static void hear(struct wire *wire, char *bytes, size_t size)
{
    size_t received;
    assert_int_equal(wire_receive(wire, bytes, size - 1, &received, wire_now_ms() + WIRE_WAIT_MS),
                     WIRE_DONE);
    bytes[received] = '\0';
}

static struct wire begin_long(void)
{
    char bytes[4096];
    struct wire wire = ask("{\"stream\":true," LONG "}");
    hear(&wire, bytes, sizeof bytes);
    assert_non_null(strstr(bytes, "200 OK"));
    return wire;
}

/* Its job ends, and the log says that nobody waited for it; many, to meet it at many moments. */
static void test_leave(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct wire wire = begin_long();
        (i % 2 != 0 ? wire_close : wire_reset)(&wire);
    }
    node_await(&node, " left=true");
    expect(post("/v1/chat/completions", "{\"temperature\":0," HELLO "}"), 200, SAID);
}

/* What is being answered ends before the node does. */
static void test_drain(void **state)
{
    char bytes[65536];
    size_t received = 0;
    struct text in = {0};
    (void)state;
    start(NULL);
    struct wire wire = begin_long();
    kill(node.pid, SIGTERM);
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (wire_receive(&wire, bytes, sizeof bytes, &received, deadline_ms) == WIRE_DONE)
        text_add(&in, (struct span){bytes, received});
    text_add(&in, SPAN("\0"));
    assert_non_null(strstr(in.at, "data: [DONE]"));
    node_await(&node, "serve: stopped");
    assert_int_equal(node_stop(&node, 0), 0);
    wire_close(&wire);
    text_clear(&in);
    scratch_clear();
}

static void test_keys(void **state)
{
    char path[] = "/tmp/shoal_serve_XXXXXX";
    int file = mkstemp(path);
    FILE *out = fdopen(file, "w");
    (void)state;
    fputs("# who may ask\n\n first-key \nsecond\n", out);
    fclose(out);
    const char *const arguments[] = {"--api-key-file", path, "--name=demo", folder, NULL};
    node_start(&node, binary, arguments);
    expect(fetch(node.port, "GET /v1/models HTTP/1.1\r\n"), 401,
           "\"type\":\"authentication_error\"");
    expect(fetch(node.port, "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer first\r\n"), 401,
           "no valid API key");
    expect(fetch(node.port, "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer first-key\r\n"), 200,
           "demo");
    expect(fetch(node.port, "GET /api/tags HTTP/1.1\r\nAuthorization: bearer second\r\n"), 200,
           "demo");
    expect(post("/api/chat", "{}"), 401, "{\"error\":\"no valid API key");
    expect(fetch(node.port, "GET /health HTTP/1.1\r\n"), 200, "ok");
    assert_int_equal(node_stop(&node, SIGINT), 0);
    remove(path);
    scratch_clear();
}

/* As many as there is room for run and wait; the others are told to come again. */
static void test_full(void **state)
{
    const char *const arguments[] = {"--parallel=1", "--waiting=1", folder, NULL};
    bool was_refused = false;
    (void)state;
    node_start(&node, binary, arguments);
    struct wire running = begin_long();
    for (int i = 0; i < 200 && !was_refused; i++) {
        struct wire wires[3];
        char bytes[4096];
        for (size_t j = 0; j < ARRAY_LEN(wires); j++)
            wires[j] = ask("{" LONG "}");
        for (size_t j = 0; j < ARRAY_LEN(wires); j++) {
            hear(wires + j, bytes, sizeof bytes);
            bool is_refused = strstr(bytes, "429 Too Many Requests") != NULL;
            assert_true(is_refused == (strstr(bytes, "Retry-After: 1\r\n") != NULL));
            was_refused = was_refused || is_refused;
            wire_close(wires + j);
        }
    }
    assert_true(was_refused);
    wire_close(&running);
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    scratch_clear();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_openai, start, stop),
        cmocka_unit_test_setup_teardown(test_choice, start, stop),
        cmocka_unit_test_setup_teardown(test_stream, start, stop),
        cmocka_unit_test_setup_teardown(test_ollama, start, stop),
        cmocka_unit_test_setup_teardown(test_refuse, start, stop),
        cmocka_unit_test_setup_teardown(test_health, start, stop),
        cmocka_unit_test_setup_teardown(test_leave, start, stop),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_full),
    };
    if (argc != 3)
        return EXIT_FAILURE;
    binary = argv[1];
    folder = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
