/* shoal-relay router: streams between real relays, once and without loops, whoever dies. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { RING = 3, EACH = 20 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct router {
    struct program program;
    char path[64];
};

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* option: who may write here. */
static void start_keyed(struct router *router, const struct relay *relay, const char *option)
{
    const char *database = getenv("TEST_DB"); // NOLINT(concurrency-mt-unsafe)
    program_start(&router->program,
                  ARGUMENTS("router", "--config=/dev/null", "--log-level=debug",
                            scratch_format("--database=%s", database),
                            scratch_format("--schema=%s", relay->schema), option, router->path));
}

static void start_with(struct router *router, const struct relay *relay)
{
    start_keyed(router, relay, "--pubkeys-allowed=");
}

static void make_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0 && fchmod(fd, 0644) == 0);
    close(fd);
    write_file(path, text);
}

/* Beside that relay; returns when it is connected. */
static void start(struct router *router, const struct relay *relay, const char *text)
{
    snprintf(router->path, sizeof router->path, "/tmp/shoal-router-XXXXXX");
    make_file(router->path, text);
    start_with(router, relay);
    program_await_error(&router->program, "router: connected");
}

static void end(struct router *router)
{
    kill(router->program.pid, SIGTERM);
    program_end(&router->program);
    if (router->program.status != 0)
        fail_msg("status %d: %s", router->program.status, router->program.err_text.at);
    program_clear(&router->program);
}

static void stop(struct router *router)
{
    end(router);
    unlink(router->path);
}

static const char *stream(const char *direction, const struct relay *relay, const char *more)
{
    return scratch_format("# a stream\n[%s]\ndirection = %s\nurl = %s\n%s\n", direction, direction,
                          url_of(relay), more);
}

static const struct signer_event *numbered(uint32_t person, int i, int64_t created_at)
{
    return SIGN(.person = person, .kind = 1, .created_at = created_at,
                .content = scratch_format("%u %d", person, i));
}

static void listen_to(struct talk *talk, const struct relay *relay)
{
    talk_open(talk, relay);
    talk_subscribe(talk, "live", "{\"limit\":0}");
}

/* So many other events come, and nothing else. */
static void await_events(struct talk *talk, int count)
{
    for (int i = 0; i < count; i++)
        talk_await(talk, "EVENT");
    talk_is_quiet(talk);
}

static void publish(const struct relay *relay, uint32_t person, int count, int64_t created_at)
{
    struct talk talk;
    talk_open(&talk, relay);
    for (int i = 0; i < count; i++)
        talk_accept(&talk, numbered(person, i, created_at == 0 ? 0 : created_at + i / 3));
    talk_close(&talk);
}

/* Until it has so many. */
static void await_count(const struct relay *relay, int64_t count)
{
    struct talk talk;
    int64_t found = 0;
    talk_open(&talk, relay);
    for (int64_t deadline_ms = wire_now_ms() + 40000; found < count;) {
        found = talk_count(&talk, "{}");
        if (wire_now_ms() > deadline_ms)
            fail_msg("%d events, not %d", (int)found, (int)count);
    }
    assert_int_equal(found, count);
    talk_close(&talk);
}

static void start_relays(struct relay *relays, size_t count)
{
    for (size_t i = 0; i < count; i++)
        relay_start(&relays[i], &(struct relay_setup){0});
}

static void stop_relays(struct relay *relays, size_t count)
{
    for (size_t i = 0; i < count; i++)
        relay_stop(&relays[i]);
    scratch_clear();
}

static void test_directions(void **state)
{
    struct relay relays[3];
    struct router router;
    struct talk here, source, sink;
    (void)state;
    start_relays(relays, 3);
    listen_to(&here, &relays[0]);
    listen_to(&source, &relays[1]);
    listen_to(&sink, &relays[2]);
    start(&router, &relays[0],
          scratch_format("%s%s", stream("down", &relays[1], ""),
                         stream("up", &relays[2], "filter = {\"kinds\":[1,4,5]}")));
    program_await_error(&router.program, "router: connected stream=up");

    /* from the one through here to the other; not from the other, nor to the one */
    talk_accept(&source, numbered(1, 0, 0));
    talk_accept(&sink, numbered(2, 0, 0));
    talk_accept(&here, numbered(3, 0, 0));
    talk_accept(&here, SIGN(.person = 3, .kind = 7));
    talk_accept(&here, SIGN(.person = 3, .kind = 20001));
    talk_accept(&here, SIGN(.person = 3, .kind = 1059,
                            .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(4))));
    talk_login(&here, 3, scratch_format("ws://localhost:%u", relays[0].port));
    talk_accept(&here, SIGN(.person = 3, .kind = 1, .tags = "[[\"-\"]]"));
    talk_accept(&here, numbered(3, 1, 0));
    await_events(&sink, 4);   /* its own, and three */
    await_events(&here, 6);   /* its own but one, and one */
    await_events(&source, 1); /* its own */
    stop(&router);
    talk_close(&here);
    talk_close(&source);
    talk_close(&sink);
    stop_relays(relays, 3);
}

/* Each relay has a router that keeps up with the next: every event goes everywhere, once. */
static void test_ring(void **state)
{
    struct relay relays[RING];
    struct router routers[RING];
    struct talk talks[RING];
    (void)state;
    start_relays(relays, RING);
    for (size_t i = 0; i < RING; i++)
        start(&routers[i], &relays[i], stream("both", &relays[(i + 1) % RING], ""));
    for (size_t i = 0; i < RING; i++)
        listen_to(&talks[i], &relays[i]);
    for (uint32_t i = 0; i < RING; i++)
        for (int j = 0; j < EACH; j++)
            talk_sayf(&talks[i], "[\"EVENT\",%s]", numbered(i, j, 0)->json);
    for (size_t i = 0; i < RING; i++) {
        for (int j = 0; j < EACH; j++)
            talk_await_true(&talks[i]);
        await_events(&talks[i], RING * EACH);
    }
    /* and one more trip round, in which nothing comes again */
    talk_accept(&talks[0], numbered(9, 0, 0));
    for (size_t i = 0; i < RING; i++)
        await_events(&talks[i], 1);
    for (size_t i = 0; i < RING; i++) {
        talk_close(&talks[i]);
        stop(&routers[i]);
    }
    stop_relays(relays, RING);
}

/* What was stored while nobody kept the stream up comes by pages; what is older than that stays
 * away. */
static void test_pages(void **state)
{
    struct relay here, there;
    struct router router;
    struct talk talk;
    int64_t now = signer_now();
    (void)state;
    relay_start(&here, &(struct relay_setup){0});
    relay_start(&there,
                &(struct relay_setup){.options = OPTIONS("limit_max=20", "limit_default=20")});
    publish(&there, 1, 70, now - 200);
    publish(&there, 2, 5, now - 100000);
    publish(&here, 3, 150, now - 300);
    publish(&here, 4, 5, now - 100000);
    listen_to(&talk, &here);
    start(&router, &here, stream("both", &there, ""));
    await_events(&talk, 70);
    talk_close(&talk);
    await_count(&there, 70 + 5 + 150);
    stop(&router);
    relay_stop(&here);
    relay_stop(&there);
    scratch_clear();
}

/* Neither the other's end nor the router's loses anything. */
static void test_deaths(void **state)
{
    struct relay here, there;
    struct router router;
    struct talk talk;
    char schema[64];
    (void)state;
    relay_start(&here, &(struct relay_setup){0});
    relay_start(&there, &(struct relay_setup){0});
    snprintf(schema, sizeof schema, "%s", there.schema);
    const char *const port = scratch_format("listen_port=%u", there.port);
    start(&router, &here, stream("both", &there, ""));

    relay_kill(&there);
    publish(&here, 1, 700, signer_now() - 300); /* more than it queues */
    relay_start(&there, &(struct relay_setup){.schema = schema, .options = OPTIONS(port)});
    await_count(&there, 700);

    kill(router.program.pid, SIGKILL);
    program_end(&router.program);
    program_clear(&router.program);
    publish(&here, 2, 30, signer_now());
    publish(&there, 3, 30, signer_now());
    listen_to(&talk, &here);
    start_with(&router, &here);
    await_events(&talk, 30);
    talk_close(&talk);
    await_count(&there, 760);
    stop(&router);
    relay_stop(&here);
    relay_stop(&there);
    scratch_clear();
}

static void test_reload(void **state)
{
    struct relay relays[3];
    struct router router;
    struct talk talk;
    (void)state;
    start_relays(relays, 3);
    listen_to(&talk, &relays[0]);
    start(&router, &relays[0], stream("down", &relays[1], ""));
    write_file(router.path, "[broken]\nurl = http://x\n");
    kill(router.program.pid, SIGHUP);
    program_await_error(&router.program, "kept what was: line 2: url: ");
    publish(&relays[1], 1, 1, 0);
    await_events(&talk, 1);
    write_file(router.path, stream("down", &relays[2], ""));
    kill(router.program.pid, SIGHUP);
    program_await_error(&router.program, "reloaded streams=1");
    publish(&relays[2], 2, 1, 0);
    await_events(&talk, 1);
    publish(&relays[1], 3, 1, 0);
    publish(&relays[2], 4, 1, 0);
    await_events(&talk, 1);
    talk_close(&talk);
    stop(&router);
    stop_relays(relays, 3);
}

static void say(const struct relay *relay, uint32_t person, const char *content)
{
    struct talk talk;
    talk_open(&talk, relay);
    talk_accept(&talk, SIGN(.person = person, .kind = 1, .content = content));
    talk_close(&talk);
}

/* Who may write is read again, too, or stays as it was. made: tells that the new keys count. */
static void check_reload(const char *setting, const char *option, const char *made)
{
    struct relay relays[2];
    struct router router = {.path = "/tmp/shoal-router-XXXXXX"};
    struct talk talk;
    char keys[] = "/tmp/shoal-router-keys-XXXXXX";
    start_relays(relays, 2);
    listen_to(&talk, &relays[0]);
    make_file(keys, signer_pubkey(1));
    make_file(router.path, stream("down", &relays[1], ""));
    start_keyed(&router, &relays[0], scratch_format("--%s=@%s", option, keys));
    program_await_error(&router.program, "router: connected");
    say(&relays[1], 2, "one");
    say(&relays[1], 1, "one");
    await_events(&talk, 1);
    write_file(keys, "nobody");
    kill(router.program.pid, SIGHUP);
    program_await_error(&router.program, scratch_format("kept what was: %s: ", setting));
    say(&relays[1], 2, "two");
    say(&relays[1], 1, "two");
    await_events(&talk, 1);
    write_file(keys, scratch_format("%s\n%s\n", signer_pubkey(2), signer_pubkey(4)));
    kill(router.program.pid, SIGHUP);
    program_await_error(&router.program, made);
    say(&relays[1], 1, "three");
    say(&relays[1], 2, "three");
    await_events(&talk, 1);
    talk_close(&talk);
    stop(&router);
    unlink(keys);
    stop_relays(relays, 2);
}

static void test_reload_keys(void **state)
{
    (void)state;
    check_reload("pubkeys_allowed", "pubkeys-allowed", "reloaded streams=1");
}

static void test_reload_roots(void **state)
{
    (void)state;
    check_reload("trust_roots", "trust-roots", "trust: keys=2");
}

static void test_wrong_files(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "no stream is named"},
        {"url = ws://x\n", "line 1: expected [the name of a stream] first"},
        {"[a]\n", "stream 'a' has no url"},
        {"[a]\n[b]\nurl = ws://x", "line 2: stream 'a' has no url"},
        {"[a b]\n", "line 1: a stream is named by "},
        {"[a]\nurl = ws://x\nurl = ws://x/\n", "line 3: url: 'x' is there twice"},
        {"[a]\nurl = ws://x\n[a]\n", "line 3: stream 'a' is there twice"},
        {"[a]\ndirection = left\n", "line 2: direction: expected down, up or both"},
        {"[a]\nfilter = {\"kinds\":1}\n", "line 2: filter: kinds: "},
        {"[a]\nfilter = {\"since\":1}\n", "line 2: filter: a stream has no since"},
        {"[a]\nfilter = {}\nfilter = {}\n", "line 3: filter is there twice"},
        {"[a]\n\n# x\ncolour = red\n", "line 4: expected direction, filter or url"},
    };
    char path[] = "/tmp/shoal-router-XXXXXX";
    struct program program;
    (void)state;
    close(mkstemp(path));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        write_file(path, cases[i].text);
        program_run(&program, SPAN(""), ARGUMENTS("router", "--config=/dev/null", path));
        if (program.status != 2 || strstr(program.err_text.at, cases[i].reason) == NULL)
            fail_msg("wanted '%s', came %s", cases[i].reason, program.err_text.at);
        program_clear(&program);
    }
    unlink(path);
    program_run(&program, SPAN(""), ARGUMENTS("router", "--config=/dev/null", path));
    assert_int_equal(program.status, 2);
    program_clear(&program);
    program_run(&program, SPAN(""), ARGUMENTS("router", "--config=/dev/null"));
    assert_int_equal(program.status, 2);
    program_clear(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions),   cmocka_unit_test(test_ring),
        cmocka_unit_test(test_pages),        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_reload),       cmocka_unit_test(test_reload_keys),
        cmocka_unit_test(test_reload_roots), cmocka_unit_test(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
