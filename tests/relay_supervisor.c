/* The parent of all: whatever dies is started again, whatever is stopped ends whole, and nothing
 * runs as root that need not. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fetch.h"
#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/test.h"
#include "tests/wire.h"

enum { WAIT_MS = 30000, LOOK_MS = 10, CHILDREN_MAX = 16 };

static const char *folder;

static void pause_a_little(void)
{
    poll(NULL, 0, LOOK_MS);
}

static void start_own(struct relay *relay, const char *const *options)
{
    relay_start(relay,
                &(struct relay_setup){
                    .database = "", .schema = "shoal", .data_dir = folder, .options = options});
}

static pid_t only_child(const struct relay *relay, const char *name)
{
    pid_t pids[CHILDREN_MAX];
    assert_int_equal(relay_children(relay, name, pids, CHILDREN_MAX), 1);
    return pids[0];
}

/* Waits until there is one of that name that is not old. */
static pid_t await_successor(const struct relay *relay, const char *name, pid_t old)
{
    int64_t deadline_ms = wire_now_ms() + WAIT_MS;
    while (wire_now_ms() < deadline_ms) {
        pid_t pids[CHILDREN_MAX];
        size_t count = relay_children(relay, name, pids, CHILDREN_MAX);
        if (count == 1 && pids[0] != old)
            return pids[0];
        pause_a_little();
    }
    fail_msg("no %s came after %d", name, (int)old);
    return 0;
}

/* Whether an event could be stored now. */
static void await_health(const struct relay *relay)
{
    int64_t deadline_ms = wire_now_ms() + WAIT_MS;
    while (fetch(relay->port, "GET /health HTTP/1.1\r\n").status != 200) {
        if (wire_now_ms() > deadline_ms)
            fail_msg("/health is not 200");
        pause_a_little();
    }
}

static void await_log(const struct relay *relay, const char *words)
{
    int64_t deadline_ms = wire_now_ms() + WAIT_MS;
    for (;;) {
        char text[65536] = "";
        FILE *log = fopen(relay->log_path, "r");
        assert_non_null(log);
        (void)!fread(text, 1, sizeof text - 1, log);
        fclose(log);
        if (strstr(text, words) != NULL)
            return;
        if (wire_now_ms() > deadline_ms)
            fail_msg("the log does not say '%s' but: %s", words, text);
        pause_a_little();
    }
}

static bool runs_as_root(pid_t pid)
{
    char path[64];
    struct stat process;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    assert_int_equal(stat(path, &process), 0);
    return process.st_uid == 0;
}

static void test_start_and_stop(void **state)
{
    struct relay relay;
    (void)state;
    for (int i = 0; i < 2; i++) { /* cold, then warm */
        start_own(&relay, NULL);
        pid_t postgres = only_child(&relay, "postgres");
        assert_false(runs_as_root(postgres));
        assert_false(runs_as_root(only_child(&relay, "shoal-relay")));
        await_health(&relay);
        char wanted[2048];
        snprintf(wanted, sizeof wanted,
                 "ready port=%u\nrelay  ws://127.0.0.1:%u\npage   http://127.0.0.1:%u\n"
                 "data   %s\n",
                 relay.port, relay.port, relay.port, folder);
        assert_string_equal(relay.ready, wanted);
        relay_stop(&relay);
        assert_int_equal(kill(postgres, 0), -1);
    }
}

static void test_killed_relay(void **state)
{
    struct relay relay;
    (void)state;
    for (int i = 0; i < 3; i++) {
        start_own(&relay, OPTIONS("drain_s_max=1"));
        relay_kill(&relay);
    }
    start_own(&relay, NULL);
    await_health(&relay);
    relay_stop(&relay);
}

static void test_killed_children(void **state)
{
    struct relay relay;
    (void)state;
    start_own(&relay, NULL);
    pid_t postgres = only_child(&relay, "postgres");
    assert_int_equal(kill(postgres, SIGKILL), 0);
    await_successor(&relay, "postgres", postgres);
    await_log(&relay, "postgres died");
    await_health(&relay);

    pid_t worker = only_child(&relay, "shoal-relay");
    assert_int_equal(kill(worker, SIGKILL), 0);
    worker = await_successor(&relay, "shoal-relay", worker);
    await_log(&relay, "worker died number=0");
    await_health(&relay);
    assert_false(runs_as_root(worker));
    relay_stop(&relay);
}

static void test_several_processes(void **state)
{
    struct relay relay;
    pid_t pids[CHILDREN_MAX];
    (void)state;
    start_own(&relay, OPTIONS("processes=3"));
    assert_int_equal(relay_children(&relay, "shoal-relay", pids, CHILDREN_MAX), 3);
    for (int i = 0; i < 20; i++)
        await_health(&relay); /* each by whichever took it */
    relay_stop(&relay);
}

static void test_one_folder_two_relays(void **state)
{
    struct relay relay;
    struct program second;
    (void)state;
    start_own(&relay, NULL);
    const char *const arguments[] = {"--config=/dev/null", "--listen-port=0", "--data-dir", folder,
                                     NULL};
    program_run(&second, SPAN(""), arguments);
    assert_int_equal(second.status, 1);
    assert_string_equal(second.out_text.at, "");
    assert_non_null(strstr(second.err_text.at, "is in use by another relay (process "));
    program_clear(&second);
    await_health(&relay);

    const char *port = scratch_format("--listen-port=%u", relay.port);
    const char *const same_port[] = {"--config=/dev/null", port, "--data-dir", "/nonexistent/x",
                                     NULL};
    program_run(&second, SPAN(""), same_port);
    assert_int_equal(second.status, 1);
    assert_non_null(strstr(second.err_text.at, scratch_format("port %u is in use", relay.port)));
    program_clear(&second);
    relay_stop(&relay);
}

static void test_hurry(void **state)
{
    struct relay relay;
    (void)state;
    start_own(&relay, NULL);
    kill(relay.pid, SIGINT);
    await_log(&relay, "stopping signal=INT");
    kill(relay.pid, SIGINT);
    relay_await_end(&relay);
}

/* At any moment of a start, which here makes a cluster. */
static void test_stopped_while_starting(void **state)
{
    static const char *const moments[] = {"starting version=", "making a new cluster",
                                          "postgres is ready", "worker started"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        struct program program;
        const char *data = relay_new_folder();
        const char *const arguments[] = {"--config=/dev/null", "--listen-port=0", "--data-dir",
                                         data, NULL};
        program_start(&program, arguments);
        program_await_error(&program, moments[i]);
        kill(program.pid, SIGTERM);
        program_end(&program);
        if (program.status != 0)
            fail_msg("%s: %s", moments[i], program.err_text.at);
        program_clear(&program);
        relay_remove_folder(data);
    }
}

static void test_database_comes_later(void **state)
{
    struct relay owner;
    struct program program;
    (void)state;
    const char *database = scratch_format(
        "--database=host=%s/run port=5432 user=shoal dbname=postgres password=hushhush", folder);
    const char *const arguments[] = {"--config=/dev/null", "--listen-port=0", database, NULL};
    program_start(&program, arguments);
    program_await_error(&program, "the database cannot be reached");
    start_own(&owner, NULL);
    program_await_error(&program, "worker: ready");
    kill(program.pid, SIGTERM);
    program_end(&program);
    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.out_text.at, "\ndatabase "));
    assert_non_null(strstr(program.out_text.at, "user=shoal"));
    assert_null(strstr(program.out_text.at, "hushhush"));
    assert_null(strstr(program.err_text.at, "hushhush"));
    program_clear(&program);
    relay_stop(&owner);

    program_start(&program, arguments);
    program_await_error(&program, "the database cannot be reached");
    kill(program.pid, SIGTERM);
    program_end(&program);
    assert_int_equal(program.status, 0);
    program_clear(&program);
}

/* What the service manager is told, in this order. */
static void test_notify(void **state)
{
    static const char *const wanted[] = {"READY=1", "STOPPING=1"};
    struct relay relay;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/shoal-notify-%d", (int)getpid());
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    start_own(&relay, NULL);
    unsetenv("NOTIFY_SOCKET");
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        char text[64] = "";
        if (i == 1)
            kill(relay.pid, SIGTERM);
        assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
        assert_string_equal(text, wanted[i]);
    }
    relay_await_end(&relay);
    close(fd);
    unlink(address.sun_path);
}

static void test_tls_file_missing(void **state)
{
    struct program program;
    (void)state;
    const char *const arguments[] = {"--config=/dev/null",
                                     "--listen-port=0",
                                     "--data-dir",
                                     folder,
                                     "--tls-key=/nonexistent.pem",
                                     "--tls-certificate=/nonexistent",
                                     NULL};
    program_run(&program, SPAN(""), arguments);
    assert_int_equal(program.status, 1);
    assert_non_null(strstr(program.err_text.at, "tls_certificate"));
    program_clear(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_killed_relay),
        cmocka_unit_test(test_killed_children),
        cmocka_unit_test(test_several_processes),
        cmocka_unit_test(test_one_folder_two_relays),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_stopped_while_starting),
        cmocka_unit_test(test_database_comes_later),
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_tls_file_missing),
    };
    folder = relay_new_folder();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    relay_remove_folder(folder);
    scratch_clear();
    return failed;
}
