/* shoal-relay sync against what is no good relay: it takes what is good, and goes on or says why it
 * cannot. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/websocket.h"
#include "shared/text.h"
#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { FINAL_TEXT = 0x81, FINAL_BINARY = 0x82, HUGE_BYTES = 5 << 20 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the other side says. */
struct script {
    const char *head;     /* in place of 101 */
    uint8_t first;        /* byte of the frame that answers NEG-OPEN; 0: a text frame */
    const char *neg_open; /* the answer; NULL: none, and the connection ends */
    size_t huge;          /* in its place: so many bytes */
    const char *req;      /* the answer to any REQ, a line each message; NULL: none */
};

static void say(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t count = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (count <= 0)
            return;
        bytes = (struct span){bytes.at + count, bytes.len - (size_t)count};
    }
}

static void say_frame(int fd, uint8_t first, struct span message)
{
    struct text frame = {0};
    websocket_add_head(&frame, first, message.len);
    text_add(&frame, message);
    say(fd, text_span(&frame));
    text_clear(&frame);
}

static void say_lines(int fd, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        size_t len = strcspn(lines, "\n");
        say_frame(fd, FINAL_TEXT, (struct span){lines, len});
        lines += len + (lines[len] == '\n');
    }
}

static bool shake_hands(int fd, const struct script *script)
{
    char head[4096] = "", accept[29] = "";
    size_t len = 0;
    while (strstr(head, "\r\n\r\n") == NULL) {
        ssize_t count = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (count <= 0)
            return false;
        len += (size_t)count;
        head[len] = '\0';
    }
    const char *key = strcasestr(head, "sec-websocket-key: ");
    if (script->head != NULL || key == NULL ||
        !websocket_accept(accept, (struct span){key + 19, 24})) {
        say(fd, (struct span){script->head, script->head != NULL ? strlen(script->head) : 0});
        return false;
    }
    struct text answer = {0};
    text_addf(&answer,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: %s\r\n\r\n",
              accept);
    say(fd, text_span(&answer));
    text_clear(&answer);
    return true;
}

/* False when the connection is to end. */
static bool answer(int fd, const struct script *script, struct span message)
{
    if (message.len > 10 && memcmp(message.at, "[\"REQ\"", 6) == 0)
        say_lines(fd, script->req);
    if (message.len < 10 || memcmp(message.at, "[\"NEG-OPEN", 10) != 0)
        return true;
    char *huge = calloc(1, script->huge + 1);
    if (script->huge > 0)
        say_frame(fd, FINAL_TEXT, (struct span){huge, script->huge});
    free(huge);
    if (script->neg_open != NULL)
        say_frame(fd, script->first != 0 ? script->first : FINAL_TEXT,
                  (struct span){script->neg_open, strlen(script->neg_open)});
    return script->neg_open != NULL || script->huge > 0;
}

static void converse(int fd, const struct script *script)
{
    struct websocket_reader reader = {0};
    struct websocket_piece piece;
    struct text message = {0};
    char bytes[65536];
    bool goes_on = shake_hands(fd, script);
    ssize_t count;
    while (goes_on && (count = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        char *at = bytes;
        size_t len = (size_t)count;
        while (goes_on && websocket_read(&reader, &piece, &at, &len, false) == WEBSOCKET_DATA) {
            text_add(&message, piece.payload);
            if (!piece.is_last)
                continue;
            goes_on = answer(fd, script, text_span(&message));
            message.len = 0;
        }
    }
    text_clear(&message);
}

/* A process that serves one connection after the other. */
static pid_t serve(const struct script *script, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        converse(client, script);
        close(client);
    }
}

static struct relay here;

static void sync_with(const struct script *script, int status, const char *words)
{
    struct program program;
    uint16_t port;
    pid_t pid = serve(script, &port);
    const char *database = getenv("TEST_DB"); // NOLINT(concurrency-mt-unsafe)
    program_run(&program, SPAN(""),
                ARGUMENTS("sync", "--config=/dev/null", scratch_format("--database=%s", database),
                          scratch_format("--schema=%s", here.schema), "--down",
                          scratch_format("ws://127.0.0.1:%u", port), "{\"kinds\":[1]}"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (program.status != status || strstr(program.err_text.at, words) == NULL)
        fail_msg("wanted %d and '%s', came %d: %s", status, words, program.status,
                 program.err_text.at);
    program_clear(&program);
}

/* It has not heard of NIP-77, or speaks it wrongly: it is paged through. */
static void test_paged(void **state)
{
    const char *const answers[] = {
        "[\"NOTICE\",\"ERROR: bad msg: unknown cmd\"]",
        "[\"NEG-ERR\",\"sync\",\"blocked: no\"]",
        "[\"NEG-MSG\",\"sync\",\"62\"]",
        "[\"NEG-MSG\",\"sync\",\"61000002ffffffff7f\"]",
        "[\"NEG-MSG\",\"sync\",\"6100\"]",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct signer_event *event =
            SIGN(.person = 1, .kind = 1, .content = scratch_format("%zu", i));
        const struct script script = {.neg_open = answers[i],
                                      .req = scratch_format("[\"EVENT\",\"page1\",%s]\n"
                                                            "[\"EOSE\",\"page1\",[\"finish\"]]",
                                                            event->json)};
        sync_with(&script, 0, "received 1 new, 0 known");
    }
}

static void test_wrong_events(void **state)
{
    const struct signer_event *event = SIGN(.person = 2, .kind = 1, .content = "true");
    const struct signer_event *other = SIGN(.person = 2, .kind = 7);
    const char *forged = strstr(event->json, "true");
    (void)state;
    struct script script = {
        .neg_open = "[\"NOTICE\",\"?\"]",
        .req = scratch_format("[\"EVENT\",\"page1\",%.*sfals%s]\n[\"EOSE\",\"page1\"]\n"
                              "[\"EOSE\",\"page2\"]",
                              (int)(forged - event->json), event->json, forged + 4),
    };
    sync_with(&script, 1, "received 0 new, 0 known, 0 older, 0 deleted, 0 left out, 1 refused");
    script.req = scratch_format("[\"EVENT\",\"page1\",%s]\n[\"EVENT\",\"x\",%s]\nnonsense\n"
                                "[\"EOSE\",\"page1\"]\n[\"EOSE\",\"page2\"]",
                                other->json, event->json);
    sync_with(&script, 0, "received 0 new, 0 known, 0 older, 0 deleted, 0 left out, 0 refused");
}

static void test_ends(void **state)
{
    (void)state;
    sync_with(&(struct script){.neg_open = "binary", .first = FINAL_BINARY}, 1, "binary");
    sync_with(&(struct script){.huge = HUGE_BYTES}, 1, "too long");
    sync_with(&(struct script){.neg_open = NULL}, 1, "closed the connection");
    sync_with(&(struct script){.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}, 1,
              "ws://");
    sync_with(&(struct script){.head = "SSH-2.0-OpenSSH_9.2\r\n"}, 1, "ws://");
}

static int open_relay(void **state)
{
    (void)state;
    relay_start(&here, &(struct relay_setup){0});
    return 0;
}

static int close_relay(void **state)
{
    (void)state;
    relay_stop(&here);
    scratch_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paged),
                                       cmocka_unit_test(test_wrong_events),
                                       cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, open_relay, close_relay);
}
