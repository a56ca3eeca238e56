/* A node's HTTP server: requests in whole, answers in pieces, clients that leave. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/httpd.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/fetch.h"
#include "tests/scratch.h"
#include "tests/test.h"
#include "tests/wire.h"

enum { BODY_MAX = 1000 };

typedef void order_fn(void);

/* A server on a thread of its own; the test has it do things there, one at a time. */
static struct {
    uv_loop_t loop;
    uv_async_t wake;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    order_fn *order; /* NULL: done */
    struct httpd *httpd;
    uint16_t port;
    bool has_failed, ends;
    struct err err;
    uint64_t held; /* the request of /held, 0 when there is none */
    uint64_t gone; /* the last that left */
    unsigned asked;
} stand = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set(uint64_t *number, uint64_t value)
{
    pthread_mutex_lock(&stand.mutex);
    *number = value;
    pthread_cond_broadcast(&stand.changed);
    pthread_mutex_unlock(&stand.mutex);
}

static uint64_t await(const uint64_t *number)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WIRE_WAIT_MS / 1000;
    pthread_mutex_lock(&stand.mutex);
    while (*number == 0)
        if (pthread_cond_timedwait(&stand.changed, &stand.mutex, &until) != 0)
            break;
    uint64_t value = *number;
    pthread_mutex_unlock(&stand.mutex);
    assert_int_not_equal(value, 0);
    return value;
}

static void on_ask(void *owner, const struct httpd_request *request)
{
    char text[200];
    struct httpd_head head = {.status = 200, .type = "text/plain"};
    (void)owner;
    stand.asked++;
    if (strcmp(request->path, "/held") == 0) {
        set(&stand.held, request->number);
        return;
    }
    if (request->is_too_long)
        head.status = 413;
    if (strcmp(request->path, "/busy") == 0) {
        head.status = 503;
        head.retry_after_s = 7;
        head.closes = true;
    }
    head.origin = request->origin;
    int len =
        snprintf(text, sizeof text, "%s %s %zu %s %.*s", request->method, request->path,
                 request->body.len, request->authorization != NULL ? request->authorization : "-",
                 (int)(request->body.len < 20 ? request->body.len : 20), request->body.at);
    httpd_answer(stand.httpd, request->number, &head, (struct span){text, (size_t)len});
}

static void on_gone(void *owner, uint64_t number)
{
    (void)owner;
    set(&stand.gone, number);
}

static void on_wake(uv_async_t *wake)
{
    pthread_mutex_lock(&stand.mutex);
    if (stand.order != NULL)
        stand.order();
    stand.order = NULL;
    bool ends = stand.ends;
    pthread_cond_broadcast(&stand.changed);
    pthread_mutex_unlock(&stand.mutex);
    if (ends)
        uv_close((uv_handle_t *)wake, NULL);
}

static void *run(void *unused)
{
    uv_run(&stand.loop, UV_RUN_DEFAULT);
    return unused;
}

static void order(order_fn *fn)
{
    pthread_mutex_lock(&stand.mutex);
    stand.order = fn;
    uv_async_send(&stand.wake);
    while (stand.order != NULL)
        pthread_cond_wait(&stand.changed, &stand.mutex);
    pthread_mutex_unlock(&stand.mutex);
}

static void order_open(void)
{
    struct httpd_setup setup = {.loop = &stand.loop,
                                .host = "127.0.0.1",
                                .connections_max = 4,
                                .body_bytes_max = BODY_MAX,
                                .ask = on_ask,
                                .gone = on_gone};
    stand.httpd = httpd_new(&setup, &stand.err);
    stand.has_failed = stand.httpd == NULL;
    stand.port = stand.has_failed ? 0 : httpd_port(stand.httpd);
}

static void order_close(void)
{
    httpd_free(stand.httpd);
    stand.ends = true;
}

static int open_stand(void **state)
{
    (void)state;
    stand.ends = false;
    stand.held = stand.gone = 0;
    uv_loop_init(&stand.loop);
    uv_async_init(&stand.loop, &stand.wake, on_wake);
    pthread_create(&stand.thread, NULL, run, NULL);
    order(order_open);
    return stand.has_failed;
}

static int close_stand(void **state)
{
    (void)state;
    order(order_close);
    pthread_join(stand.thread, NULL);
    scratch_clear();
    return uv_loop_close(&stand.loop);
}

/* ---- the client's side ---- */

static struct wire connect_to_stand(void)
{
    struct wire wire;
    assert_true(wire_open(&wire, &(struct wire_address){.host = "127.0.0.1", .port = stand.port}));
    return wire;
}

static void say(struct wire *wire, const char *words)
{
    assert_int_equal(
        wire_send(wire, (struct span){words, strlen(words)}, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
}

/* Reads until it has come. */
static void hear(struct wire *wire, struct text *heard, const char *words)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    size_t received;
    for (;;) {
        text_add(heard, SPAN("\0"));
        heard->len--;
        if (strstr(heard->at, words) != NULL)
            return;
        if (wire_receive(wire, text_reserve(heard, 4096), 4096, &received, deadline_ms) !=
            WIRE_DONE)
            fail_msg("'%s' did not come: %.*s", words, (int)heard->len, heard->at);
        heard->len += received;
    }
}

static bool is_gone(struct wire *wire)
{
    char bytes[256];
    size_t received;
    enum wire_result result;
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    do
        result = wire_receive(wire, bytes, sizeof bytes, &received, deadline_ms);
    while (result == WIRE_DONE);
    return result == WIRE_GONE;
}

static void test_whole(void **state)
{
    (void)state;
    struct fetch_answer answer = fetch(stand.port, "GET /a%20b?c=d HTTP/1.1\r\n");
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body, "GET /a b 0 -", 12);
    assert_string_equal(fetch_header(&answer, "content-type"), "text/plain");
    answer = fetch_with(stand.port, "POST /x HTTP/1.1\r\nAuthorization: Bearer k\r\nOrigin: o\r\n",
                        SPAN("hello"));
    assert_memory_equal(answer.body, "POST /x 5 Bearer k hello", 24);
    assert_string_equal(fetch_header(&answer, "access-control-allow-origin"), "o");
    answer = fetch(stand.port, "GET /busy HTTP/1.1\r\n");
    assert_int_equal(answer.status, 503);
    assert_string_equal(fetch_header(&answer, "retry-after"), "7");
}

/* Several on one connection, the last in chunks, all sent before the first answer. */
static void test_pipeline(void **state)
{
    struct wire wire = connect_to_stand();
    struct text heard = {0};
    (void)state;
    say(&wire, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3"
               "\r\n\r\nabcPOST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    hear(&wire, &heard, "GET /1 0 -");
    hear(&wire, &heard, "POST /2 3 - abc");
    hear(&wire, &heard, "POST /3 5 - abcde");
    wire_close(&wire);
    text_clear(&heard);
}

static void test_bounds(void **state)
{
    char body[4 * BODY_MAX + 8];
    struct wire wire;
    (void)state;
    memset(body, 'x', sizeof body);
    assert_int_equal(
        fetch_with(stand.port, "POST /x HTTP/1.1\r\n", (struct span){body, BODY_MAX}).status, 200);
    assert_int_equal(
        fetch_with(stand.port, "POST /x HTTP/1.1\r\n", (struct span){body, BODY_MAX + 1}).status,
        413);
    wire = connect_to_stand();
    unsigned asked = stand.asked;
    say(&wire, scratch_format("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%.*s",
                              sizeof body, (int)sizeof body, body));
    assert_true(is_gone(&wire));
    assert_int_equal(stand.asked, asked);
    wire_close(&wire);
    wire = connect_to_stand();
    char *head = scratch_alloc(HTTPD_HEAD_BYTES_MAX + 100);
    memset(head, 'x', HTTPD_HEAD_BYTES_MAX + 99);
    head[HTTPD_HEAD_BYTES_MAX + 99] = '\0';
    memcpy(head, "GET / HTTP/1.1\r\nA: ", 19);
    (void)wire_send(&wire, (struct span){head, HTTPD_HEAD_BYTES_MAX + 99},
                    wire_now_ms() + WIRE_WAIT_MS);
    assert_true(is_gone(&wire));
    assert_int_equal(stand.asked, asked);
    wire_close(&wire);
}

static void order_begin(void)
{
    httpd_begin(stand.httpd, stand.held, &(struct httpd_head){200, .type = "text/event-stream"});
    assert_true(httpd_add(stand.httpd, stand.held, SPAN("one")));
}

static void order_add(void)
{
    assert_true(httpd_add(stand.httpd, stand.held, SPAN("two")));
    assert_true(httpd_add(stand.httpd, stand.held, SPAN("three")));
}

static void order_end(void)
{
    httpd_end(stand.httpd, stand.held);
    assert_false(httpd_add(stand.httpd, stand.held, SPAN("more")));
}

/* Each piece comes before the next is made; the connection goes on after the last. */
static void test_pieces(void **state)
{
    struct wire wire = connect_to_stand();
    struct text heard = {0};
    (void)state;
    say(&wire, "POST /held HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    await(&stand.held);
    order(order_begin);
    hear(&wire, &heard, "\r\n\r\n3\r\none\r\n");
    order(order_add);
    hear(&wire, &heard, "8\r\ntwothree\r\n");
    order(order_end);
    hear(&wire, &heard, "\r\n0\r\n\r\n");
    assert_int_equal(stand.gone, 0);
    say(&wire, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&wire, &heard, "GET /next 0");
    wire_close(&wire);
    text_clear(&heard);
}

/* Before its answer has begun, and within it; what is then said to it is dropped. */
static void test_leave(void **state)
{
    struct text heard = {0};
    (void)state;
    for (int within = 0; within < 2; within++) {
        struct wire wire = connect_to_stand();
        set(&stand.held, 0);
        set(&stand.gone, 0);
        say(&wire, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
        uint64_t held = await(&stand.held);
        if (within) {
            order(order_begin);
            hear(&wire, &heard, "one");
        }
        (within ? wire_reset : wire_close)(&wire);
        assert_true(await(&stand.gone) == held);
        order(order_end);
    }
    text_clear(&heard);
}

static void order_flood(void)
{
    char *bytes = calloc(1, 1 << 20);
    int count = 0;
    httpd_begin(stand.httpd, stand.held, &(struct httpd_head){200, .type = "text/plain"});
    while (count < 100 && httpd_add(stand.httpd, stand.held, (struct span){bytes, 1 << 20}))
        count++;
    assert_int_equal(count, HTTPD_PENDING_BYTES_MAX >> 20);
    free(bytes);
}

/* One that does not read is cut off once it is too far behind. */
static void test_flood(void **state)
{
    struct wire wire = connect_to_stand();
    (void)state;
    set(&stand.gone, 0);
    set(&stand.held, 0);
    say(&wire, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t held = await(&stand.held);
    order(order_flood);
    assert_true(await(&stand.gone) == held);
    assert_true(is_gone(&wire));
    wire_close(&wire);
}

static void order_drain(void)
{
    assert_int_equal(httpd_busy(stand.httpd), 1);
    httpd_drain(stand.httpd);
}

/* What is being answered goes on; nobody new is let in. Then the rest is cut. */
static void test_drain(void **state)
{
    struct wire wire = connect_to_stand();
    struct wire late;
    struct text heard = {0};
    (void)state;
    set(&stand.held, 0);
    set(&stand.gone, 0);
    say(&wire, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&stand.held);
    order(order_drain);
    assert_false(wire_open(&late, &(struct wire_address){.host = "127.0.0.1", .port = stand.port}));
    order(order_begin);
    hear(&wire, &heard, "one");
    order(order_close);
    assert_true(is_gone(&wire));
    assert_int_equal(stand.gone, 0);
    wire_close(&wire);
    text_clear(&heard);
    pthread_join(stand.thread, NULL);
    assert_int_equal(uv_loop_close(&stand.loop), 0);
    scratch_clear();
}

static void test_refuse(void **state)
{
    struct err err;
    struct httpd_setup setup = {.loop = &stand.loop, .connections_max = 1, .host = "nowhere"};
    (void)state;
    assert_null(httpd_new(&setup, &err));
    assert_string_equal(err.text, "'nowhere' is no IP address; port 0");
    setup.host = "127.0.0.1";
    setup.port = stand.port;
    assert_null(httpd_new(&setup, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_pipeline, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_bounds, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_pieces, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_leave, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_flood, open_stand, close_stand),
        cmocka_unit_test_setup_teardown(test_refuse, open_stand, close_stand),
        cmocka_unit_test_setup(test_drain, open_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
