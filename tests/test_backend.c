/* `shoal-gpu serve --backend`: another node behind it, by both APIs, and a server that stalls,
 * breaks off, refuses and talks nonsense. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fetch.h"
#include "tests/node.h"
#include "tests/scratch.h"
#include "tests/test.h"
#include "tests/wire.h"

#define CHAT "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"temperature\":0%s}"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define HI "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define STATUS(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\nConnection: close\r\n"

enum { STEPS_MAX = 8 };

static const char *binary, *folder;

/* ---- a server of one's own making ---- */

struct step {
    const char *says; /* once it has read a request */
    bool stalls;      /* and then neither speaks nor closes */
};

/* Each connection is the next step; past the last it listens no more. */
static struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    const struct step *steps;
    size_t count;
    unsigned seen; /* connections */
    int stalled[STEPS_MAX];
    size_t stalled_count;
    char request[8192]; /* the last */
} rogue;

static void read_request(int socket)
{
    size_t len = 0;
    ssize_t got;
    const char *body;
    size_t wanted;
    do {
        got = recv(socket, rogue.request + len, sizeof rogue.request - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
        rogue.request[len] = '\0';
        body = strstr(rogue.request, "\r\n\r\n");
        const char *length = strcasestr(rogue.request, "content-length:");
        wanted = body != NULL && length != NULL
                     ? (size_t)(body + 4 - rogue.request) + strtoul(length + 15, NULL, 10)
                     : sizeof rogue.request;
    } while (got > 0 && len < wanted);
}

static void *run_rogue(void *unused)
{
    for (size_t i = 0; i < rogue.count; i++) {
        int socket = accept(rogue.listener, NULL, NULL);
        if (socket < 0)
            break;
        rogue.seen++;
        read_request(socket);
        (void)send(socket, rogue.steps[i].says, strlen(rogue.steps[i].says), MSG_NOSIGNAL);
        if (rogue.steps[i].stalls)
            rogue.stalled[rogue.stalled_count++] = socket;
        else
            close(socket);
    }
    close(rogue.listener);
    return unused;
}

static void start_rogue(const struct step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    rogue.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rogue.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(rogue.listener, 16), 0);
    assert_int_equal(getsockname(rogue.listener, (struct sockaddr *)&address, &size), 0);
    rogue.port = ntohs(address.sin_port);
    rogue.steps = steps;
    rogue.count = count;
    rogue.seen = 0;
    rogue.stalled_count = 0;
    pthread_create(&rogue.thread, NULL, run_rogue, NULL);
}

static void stop_rogue(void)
{
    pthread_join(rogue.thread, NULL);
    for (size_t i = 0; i < rogue.stalled_count; i++)
        close(rogue.stalled[i]);
}

/* ---- the node ---- */

static struct fetch_answer post(const struct node *node, const char *path, const char *body)
{
    return fetch_with(node->port, scratch_format("POST %s HTTP/1.1\r\n", path),
                      (struct span){body, strlen(body)});
}

static void expect(struct fetch_answer answer, int status, const char *words)
{
    if (answer.status != status || strstr(answer.body, words) == NULL)
        fail_msg("%d, not %d '%s': %s", answer.status, status, words, answer.body);
}

/* silence_s: short where a test waits for it; else longer than any machine is slow. */
static void start_front(struct node *node, uint16_t port, const char *base, const char *silence_s)
{
    const char *url = scratch_format("http://127.0.0.1:%u%s", port, base);
    const char *const arguments[] = {
        "--backend", url, "--backend-silence", silence_s, "--name", "own", "demo", NULL};
    node_start(node, binary, arguments);
}

static bool stalls(const struct step *steps, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || steps[i].stalls;
    return any;
}

/* A chat through a node that has a rogue behind it; which each step of must have been met. */
static struct fetch_answer chat(const struct step *steps, size_t count, const char *more)
{
    struct node node;
    start_rogue(steps, count);
    start_front(&node, rogue.port, "/v1", stalls(steps, count) ? "2" : "60");
    struct fetch_answer answer = post(&node, "/v1/chat/completions", scratch_format(CHAT, more));
    stop_rogue();
    assert_int_equal(rogue.seen, count);
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    return answer;
}

static int clear(void **state)
{
    (void)state;
    scratch_clear();
    return 0;
}

/* ---- the tests ---- */

static void check_front(const struct node *node)
{
    const char *stream = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    expect(post(node, "/v1/chat/completions", scratch_format(CHAT, "")), 200,
           "\"content\":\"Hello! Ask me what a relay is.\"");
    struct fetch_answer answer = post(node, "/v1/chat/completions", scratch_format(CHAT, stream));
    expect(answer, 200, "\"model\":\"own\",\"choices\":[],\"usage\":{\"prompt_tokens\":24,");
    expect(answer, 200, "data: [DONE]");
    expect(post(node, "/v1/chat/completions", scratch_format(CHAT, ",\"stop\":\" a\"")), 200,
           "\"content\":\"Hello! Ask me what\"");
    expect(post(node, "/v1/completions", "{\"prompt\":[\"A\",\"B\"],\"max_tokens\":3}"), 200,
           "\"finish_reason\":\"length\"}],");
    expect(post(node, "/v1/embeddings", "{\"input\":\"a\"}"), 200, "\"prompt_tokens\":1");
    expect(post(node, "/v1/completions", "{\"prompt\":\"\"}"), 400, "the backend: ");
    expect(post(node, "/api/generate",
                "{\"model\":\"own\",\"prompt\":\"Hello\",\"stream\":false,"
                "\"options\":{\"temperature\":0,\"repeat_penalty\":1}}"),
           200, "\"response\":\"Hello! Ask me what a relay is.\"");
    expect(fetch(node->port, "GET /v1/models HTTP/1.1\r\n"), 200, "{\"id\":\"own\",");
    expect(fetch(node->port, "GET /metrics HTTP/1.1\r\n"), 200, "shoal_gpu_backend_tries_total ");
}

static void test_node(void **state)
{
    const char *const arguments[] = {"--name", "demo", folder, NULL};
    struct node behind;
    struct node front;
    (void)state;
    node_start(&behind, binary, arguments);
    start_front(&front, behind.port, "/v1", "60");
    check_front(&front);
    expect(post(&front, "/v1/completions", "{\"prompt\":[1,2],\"logit_bias\":{\"3\":1}}"), 200,
           "\"prompt_tokens\":2");
    assert_int_equal(node_stop(&front, SIGTERM), 0);
    start_front(&front, behind.port, "", "60");
    check_front(&front);
    expect(post(&front, "/v1/completions", "{\"prompt\":\"A\",\"logit_bias\":{\"3\":1}}"), 400,
           "its API cannot be asked for logit_bias");
    expect(post(&front, "/v1/completions", "{\"prompt\":[1,2]}"), 400,
           "its API cannot be asked for a prompt of tokens");
    assert_int_equal(node_stop(&behind, SIGTERM), 0);
    expect(post(&front, "/v1/completions", "{\"prompt\":\"A\"}"), 503, "the backend: ");
    assert_int_equal(node_stop(&front, SIGTERM), 0);
}

/* What fails before a word was said is tried again. */
static void test_again(void **state)
{
    static const struct step cut[] = {{"", false}, {HEAD, false}, {HEAD HI DONE, false}};
    static const struct step refused[] = {{STATUS("500 Oops") "\r\n", false},
                                          {STATUS("429 No") "Retry-After: 1\r\n\r\n", false},
                                          {HEAD "data: nonsense\n", false},
                                          {HEAD HI DONE, false}};
    static const struct step stalled[] = {{"", true}, {HEAD HI DONE, true}};
    (void)state;
    expect(chat(cut, 3, ""), 200, "\"content\":\"Hi\"");
    assert_non_null(strstr(rogue.request, "POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(
        strstr(rogue.request, "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"));
    expect(chat(refused, 4, ""), 200, "\"content\":\"Hi\"");
    expect(chat(stalled, 2, ""), 200, "\"content\":\"Hi\"");
}

/* But not for ever, and not what would be refused again. */
static void test_give_up(void **state)
{
    static const struct step busy[] = {{STATUS("503 Busy") "\r\n", false},
                                       {STATUS("503 Busy") "\r\n", false},
                                       {STATUS("503 Busy") "\r\n", false},
                                       {STATUS("503 Busy") "\r\n", false}};
    static const struct step wrong[] = {{"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
                                         "{\"error\":{\"message\":\"that is \\u00e9 wrong\"}}\n",
                                         false}};
    static const struct step later[] = {{STATUS("429 No") "Retry-After: 3600\r\n\r\n", false}};
    (void)state;
    expect(chat(busy, 4, ""), 503, "\"message\":\"the backend: status 503\"");
    expect(chat(wrong, 1, ""), 400, "\"message\":\"the backend: that is \xc3\xa9 wrong\"");
    expect(chat(later, 1, ""), 429, "\"type\":\"rate_limit_error\"");
}

/* Once something was told, a failure is the end: of a stream, as an event. */
static void test_broken(void **state)
{
    static const struct step cut[] = {{HEAD HI, false}};
    static const struct step stalled[] = {{HEAD HI, true}};
    static const struct step nonsense[] = {{HEAD HI "data: {\n\n", false}};
    static const struct step error[] = {{HEAD HI "data: {\"error\":\"out of memory\"}\n\n", false}};
    const char *stream = ",\"stream\":true";
    (void)state;
    struct fetch_answer answer = chat(cut, 1, stream);
    expect(answer, 200, "\"delta\":{\"content\":\"Hi\"}");
    expect(answer, 200, "data: {\"error\":{\"message\":\"the backend: the answer was cut off\"");
    assert_null(strstr(answer.body, "[DONE]"));
    expect(chat(cut, 1, ""), 502, "the answer was cut off");
    expect(chat(stalled, 1, stream), 200, "data: {\"error\":{\"message\":\"the backend: ");
    expect(chat(nonsense, 1, stream), 200, "data: {\"error\":{\"message\":\"the backend: ");
    expect(chat(error, 1, ""), 502, "the backend: out of memory");
}

/* Who leaves ends what is asked of the backend. */
static void test_leave(void **state)
{
    static const struct step stalled[] = {{HEAD HI, true}};
    struct node node;
    struct wire wire;
    char bytes[4096];
    size_t received;
    const char *body = scratch_format(CHAT, ",\"stream\":true");
    const char *request = scratch_format("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                                         "Content-Length: %zu\r\n\r\n%s",
                                         strlen(body), body);
    (void)state;
    start_rogue(stalled, 1);
    start_front(&node, rogue.port, "/v1", "60");
    assert_true(wire_open(&wire, &(struct wire_address){.host = "127.0.0.1", .port = node.port}));
    assert_int_equal(
        wire_send(&wire, (struct span){request, strlen(request)}, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
    assert_int_equal(
        wire_receive(&wire, bytes, sizeof bytes, &received, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
    wire_close(&wire);
    node_await(&node, " left=true");
    pthread_join(rogue.thread, NULL);
    assert_int_equal(recv(rogue.stalled[0], bytes, sizeof bytes, 0), 0);
    close(rogue.stalled[0]);
    assert_int_equal(node_stop(&node, SIGTERM), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_node, clear),
        cmocka_unit_test_teardown(test_again, clear),
        cmocka_unit_test_teardown(test_give_up, clear),
        cmocka_unit_test_teardown(test_broken, clear),
        cmocka_unit_test_teardown(test_leave, clear),
    };
    if (argc != 3)
        return EXIT_FAILURE;
    binary = argv[1];
    folder = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
