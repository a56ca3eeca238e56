/* The agent: what it says and is told, what it does with its key, and what strangers may send. */
#include "client/agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/agent_keep.h"
#include "client/agent_serve.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/vault.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

static const struct bytes32 secret = {.at[31] = 7}, other = {.at[31] = 8}, random32 = {.at = {1}};
static char folder[] = "/tmp/test_agent_XXXXXX", file[64], path[AGENT_PATH_MAX];
static struct bytes32 mark;
static struct arena arena;

static int setup(void **state)
{
    struct text word = {0};
    struct keys *keys = keys_new(&secret);
    const struct ncryptsec_terms terms = {.log_n = 1};
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/key", folder);
    snprintf(path, sizeof path, "%s/agent", folder);
    assert_true(ncryptsec_seal(&word, keys, SPAN("fish"), &terms, NULL));
    assert_true(vault_write(file, text_span(&word), false, NULL));
    mark = sig_sha256(text_span(&word));
    text_clear(&word);
    keys_free(keys);
    return 0;
}

static int teardown(void **state)
{
    char lock[AGENT_PATH_MAX + 8];
    (void)state;
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    unlink(file);
    rmdir(folder);
    arena_clear(&arena);
    return 0;
}

static struct event make_event(void)
{
    struct event event;
    struct draft draft = {.kind = 1, .created_at = 5000};
    text_add(&draft.content, SPAN("hello"));
    draft_finish(&draft, &event, &arena);
    draft_clear(&draft);
    return event;
}

/* ---- words ---- */

static void test_frames(void **state)
{
    struct text text = {0};
    struct span body = {0}, bytes;
    (void)state;
    agent_write_request(&text, &(struct agent_request){.ask = AGENT_LOCK});
    for (size_t len = 0; len < text.len; len++) {
        bytes = (struct span){text.at, len};
        assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_MORE);
        assert_int_equal(bytes.len, len);
    }
    text_add(&text, SPAN("x"));
    bytes = text_span(&text);
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_DONE);
    assert_int_equal(body.len, 2);
    assert_true(span_eq(bytes, SPAN("x")));
    bytes = SPAN("\0\0\0\0");
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_WRONG);
    bytes = SPAN("\0\x40\0\1"); /* one past AGENT_BODY_MAX, refused before it has come */
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_WRONG);
    bytes = SPAN("\0\x40\0\0");
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_MORE);
    text_clear(&text);
}

static void test_requests(void **state)
{
    struct agent_request read;
    struct err err;
    (void)state;
    for (int ask = AGENT_HELLO; ask <= AGENT_STOP; ask++) {
        struct text text = {0};
        struct span body, bytes;
        bool has_peer = ask == AGENT_SEAL || ask == AGENT_OPEN;
        bool has_bytes = has_peer || ask == AGENT_SIGN || ask == AGENT_UNLOCK;
        const struct agent_request request = {
            .ask = (enum agent_ask)ask, .peer = random32, .bytes = SPAN("bytes")};
        agent_write_request(&text, &request);
        bytes = text_span(&text);
        assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_DONE);
        assert_true(agent_parse_request(&read, body, NULL));
        assert_int_equal(read.ask, ask);
        assert_int_equal(read.peer.at[0], has_peer ? 1 : 0);
        assert_true(span_eq(read.bytes, has_bytes ? SPAN("bytes") : SPAN("")));
        text_clear(&text);
    }
    assert_false(agent_parse_request(&read, SPAN("\1"), &err));
    assert_string_equal(err.text, "a request that is cut short");
    assert_false(agent_parse_request(&read, SPAN("\1\3short"), &err));
    assert_string_equal(err.text, "a request that is cut short");
    assert_false(agent_parse_request(&read, SPAN("\1\5x"), &err));
    assert_string_equal(err.text, "a request that is too long");
    assert_false(agent_parse_request(&read, SPAN("\2\1"), &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_false(agent_parse_request(&read, SPAN("\1\0"), &err));
    assert_false(agent_parse_request(&read, SPAN("\1\x08"), &err));
    assert_string_equal(err.text, "an agent is not asked that");
}

static void test_answers(void **state)
{
    const struct err why = {.code = ERR_INTERNAL, .text = "so"};
    struct text text = {0};
    struct agent_hello hello;
    struct span body, bytes;
    struct err err;
    (void)state;
    agent_write_refusal(&text, &why);
    bytes = text_span(&text);
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_DONE);
    assert_false(agent_parse_answer(&bytes, body, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_string_equal(err.text, "so");
    assert_false(agent_parse_answer(&bytes, SPAN(""), &err));
    assert_false(agent_parse_answer(&bytes, SPAN("\x0c"), &err));
    assert_string_equal(err.text, "the agent answers something else");
    assert_false(agent_parse_answer(&bytes, SPAN("\1\xff"), &err));
    assert_string_equal(err.text, "the agent refuses");

    const struct agent_hello said = {.is_locked = true,
                                     .has_pubkey = true,
                                     .pubkey = random32,
                                     .mark = secret,
                                     .pid = 0x01020304,
                                     .timeout_s = 0xfffffffe,
                                     .used = 3,
                                     .file = SPAN("/key")};
    text.len = 0;
    agent_write_hello(&text, &said);
    assert_true(agent_parse_hello(&hello, text_span(&text), NULL));
    assert_true(hello.is_locked && hello.has_pubkey);
    assert_int_equal(hello.pid, 0x01020304);
    assert_int_equal(hello.timeout_s, 0xfffffffe);
    assert_int_equal(hello.used, 3);
    assert_true(span_eq(hello.file, SPAN("/key")));
    assert_memory_equal(&hello.mark, &secret, 32);
    assert_false(agent_parse_hello(&hello, (struct span){text.at, 60}, &err));
    text.at[0] = 4;
    assert_false(agent_parse_hello(&hello, text_span(&text), &err));
    assert_string_equal(err.text, "the agent says something else of itself");
    text_clear(&text);
}

/* ---- what it does, without a socket ---- */

/* The agent's answer, into text where it is one. */
static bool answer(struct agent_keep *keep, struct text *text, const struct agent_request *request,
                   uint64_t now_ms, struct err *err)
{
    struct text said = {0}, heard = {0};
    struct span body, bytes;
    agent_write_request(&said, request);
    bytes = text_span(&said);
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_DONE);
    assert_int_equal(agent_keep_answer(keep, &heard, body, now_ms), request->ask != AGENT_STOP);
    bytes = text_span(&heard);
    assert_int_equal(agent_take(&body, &bytes), AGENT_FRAME_DONE);
    bool ok = agent_parse_answer(&bytes, body, err);
    text->len = 0;
    if (ok)
        text_add(text, bytes);
    text_clear(&said);
    text_clear(&heard);
    return ok;
}

static bool is_locked(struct agent_keep *keep, uint64_t now_ms)
{
    struct agent_hello hello;
    struct text text = {0};
    assert_true(answer(keep, &text, &(struct agent_request){.ask = AGENT_HELLO}, now_ms, NULL));
    assert_true(agent_parse_hello(&hello, text_span(&text), NULL));
    text_clear(&text);
    return hello.is_locked;
}

static struct agent_keep *make_keep(uint32_t timeout_s)
{
    const struct agent_keep_setup setup = {
        .file = file, .mark = mark, .keys = keys_new(&secret), .timeout_s = timeout_s};
    return agent_keep_new(&setup);
}

static void test_locks(void **state)
{
    struct agent_keep *keep = make_keep(10);
    struct text text = {0};
    struct err err;
    const struct agent_request open = {.ask = AGENT_OPEN, .bytes = SPAN("x")};
    const struct agent_request unlock = {.ask = AGENT_UNLOCK, .bytes = SPAN("fish")};
    const struct agent_request wrong = {.ask = AGENT_UNLOCK, .bytes = SPAN("bird")};
    (void)state;
    assert_false(is_locked(keep, 1000));
    assert_false(answer(keep, &text, &open, 10999, &err)); /* used, and refused */
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(is_locked(keep, 20998));
    assert_true(is_locked(keep, 20999));
    assert_false(answer(keep, &text, &open, 21000, &err));
    assert_string_equal(err.text, "the agent is locked: shoal agent unlock");
    assert_false(answer(keep, &text, &wrong, 21000, &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_true(is_locked(keep, 21000));
    assert_true(answer(keep, &text, &unlock, 22000, NULL));
    assert_false(is_locked(keep, 31999));
    assert_true(answer(keep, &text, &(struct agent_request){.ask = AGENT_LOCK}, 23000, NULL));
    assert_true(is_locked(keep, 23000));
    assert_true(answer(keep, &text, &(struct agent_request){.ask = AGENT_STOP}, 23000, NULL));
    agent_keep_free(keep);
    agent_keep_free(NULL);
    text_clear(&text);
}

/* It signs events of its own, and nothing else. */
static void test_signs(void **state)
{
    struct agent_keep *keep = make_keep(0);
    struct text text = {0}, json = {0};
    struct event event = make_event();
    struct err err;
    struct keys *stranger = keys_new(&other);
    (void)state;
    keys_sign(stranger, &event, &random32);
    event_write_rumor(&json, &event);
    struct agent_request request = {.ask = AGENT_SIGN, .bytes = text_span(&json)};
    assert_false(answer(keep, &text, &request, 1, &err));
    assert_string_equal(err.text, "the agent keeps another key");
    keys_free(stranger);
    assert_true(sig_pubkey(&event.pubkey, &secret));
    json.len = 0;
    event_write_rumor(&json, &event); /* whose id is the other's */
    request.bytes = text_span(&json);
    assert_false(answer(keep, &text, &request, 1, &err));
    assert_string_equal(err.text, "the id is not the hash of the event");
    request.bytes = SPAN("{}");
    assert_false(answer(keep, &text, &request, 1, &err));
    assert_int_equal(err.code, ERR_INVALID);
    agent_keep_free(keep);
    text_clear(&text);
    text_clear(&json);
}

/* ---- behind its socket ---- */

static void on_ready(void *owner)
{
    const int *told = owner;
    if (write(*told, "", 1) != 1)
        _exit(1);
}

/* The agent as a process. */
static pid_t start(void)
{
    int ends[2], lock = -1;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        bool ok = agent_claim(&lock, path, NULL);
        const struct agent_serve_call call = {
            .keep = make_keep(0), .lock = lock, .path = path, .ready = on_ready, .owner = &ends[1]};
        ok = ok && agent_serve(&call, NULL);
        agent_keep_free(call.keep);
        _exit(ok ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static int ended(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void stop(pid_t child)
{
    struct text text = {0};
    assert_true(agent_ask(&text, path, &(struct agent_request){.ask = AGENT_STOP}, NULL));
    assert_int_equal(ended(child), 0);
    assert_int_equal(access(path, F_OK), -1);
    text_clear(&text);
}

static void test_holder(void **state)
{
    pid_t child = start();
    struct holder *bob = holder_of_keys(keys_new(&other));
    struct holder *alice = agent_holder(path, &mark);
    struct event event = make_event();
    struct text sealed = {0}, plain = {0};
    struct stat status;
    struct err err;
    int lock;
    (void)state;
    assert_non_null(alice);
    assert_null(agent_holder(path, &random32)); /* another key */
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(agent_claim(&lock, path, &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_true(holder_sign(alice, &event, &random32, NULL));
    assert_true(holder_seal(alice, &sealed, holder_pubkey(bob), SPAN("hi"), &random32, NULL));
    assert_true(holder_open(bob, &plain, holder_pubkey(alice), text_span(&sealed), NULL));
    assert_true(holder_open(alice, &plain, holder_pubkey(bob), text_span(&sealed), NULL));
    assert_true(span_eq(text_span(&plain), SPAN("hihi")));
    assert_false(holder_open(alice, &plain, holder_pubkey(bob), SPAN("nothing"), &err));
    assert_int_equal(err.code, ERR_INVALID);
    stop(child);
    assert_false(holder_sign(alice, &event, &random32, &err));
    assert_string_equal(err.text, "no agent is there: shoal agent start");
    holder_free(alice);
    holder_free(bob);
    text_clear(&sealed);
    text_clear(&plain);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Says it, and is hung up on. */
static void say_garbage(struct span bytes)
{
    char byte;
    int fd = dial();
    assert_int_equal(send(fd, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

static void test_strangers(void **state)
{
    enum { CROWD = 100 };
    int crowd[CROWD];
    struct text text = {0};
    struct agent_hello hello;
    pid_t child = start();
    (void)state;
    say_garbage(SPAN("GET / HTTP/1.1\r\n\r\n"));
    say_garbage(SPAN("\0\0\0\0"));
    say_garbage(SPAN("\0\0\0\2\1\1more"));
    for (int i = 0; i < CROWD; i++) { /* who begin, and never end */
        crowd[i] = dial();
        assert_int_equal(send(crowd[i], "\0\0\0\2\1", 5, MSG_NOSIGNAL), 5);
    }
    assert_true(agent_greet(&hello, &text, path, NULL));
    assert_false(hello.is_locked);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    text_clear(&text);
    stop(child);
}

/* Whoever was killed has left its socket. */
static void test_killed(void **state)
{
    pid_t child = start();
    (void)state;
    kill(child, SIGKILL);
    ended(child);
    assert_int_equal(access(path, F_OK), 0);
    child = start();
    kill(child, SIGTERM);
    assert_int_equal(ended(child), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_places(void **state)
{
    char found[AGENT_PATH_MAX], long_name[AGENT_PATH_MAX + 1];
    struct err err;
    int lock;
    (void)state;
    assert_true(agent_path(found, "sock", NULL));
    assert_string_equal(found, "./sock");
    memset(long_name, 'x', sizeof long_name);
    long_name[0] = '/';
    long_name[AGENT_PATH_MAX] = '\0';
    assert_false(agent_path(found, long_name, &err));
    long_name[AGENT_PATH_MAX - 1] = '\0';
    assert_true(agent_path(found, long_name, NULL));
    assert_false(agent_path(found, "", &err));
    assert_int_equal(chmod(folder, 0755), 0);
    assert_false(agent_claim(&lock, path, &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_false(agent_claim(&lock, "/nowhere/at/all", &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),  cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_locks),
        cmocka_unit_test(test_signs),   cmocka_unit_test(test_holder),
        cmocka_unit_test(test_killed),  cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_places)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
