#include "tests/relay.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scratch.h"
#include "tests/test.h"
#include "tests/wire.h"

enum { RUNNING_MAX = 16, LOOK_MS = 5, START_MS = 60000, END_MS = 40000, OPTIONS_MAX = 40 };

static void print_log(const struct relay *relay)
{
    char *line = NULL;
    size_t size = 0;
    FILE *log = fopen(relay->log_path, "r");
    if (log == NULL)
        return;
    while (getline(&line, &size, log) > 0)
        fprintf(stderr, "relay| %s", line);
    free(line);
    fclose(log);
}

static bool log_has(const struct relay *relay, const char *text)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *log = fopen(relay->log_path, "r");
    assert_non_null(log);
    while (!found && getline(&line, &size, log) > 0)
        found = strstr(line, text) != NULL;
    free(line);
    fclose(log);
    return found;
}

/* Whether a sanitizer found something. */
static bool log_has_report(const struct relay *relay)
{
    return log_has(relay, "Sanitizer") || log_has(relay, "runtime error:");
}

void relay_await_log(const struct relay *relay, const char *text)
{
    int64_t deadline_ms = wire_now_ms() + START_MS;
    while (!log_has(relay, text)) {
        if (wire_now_ms() > deadline_ms)
            fail_msg("the relay never said: %s", text);
        poll(NULL, 0, LOOK_MS); /* a file cannot be awaited */
    }
}

static const char *database_of(const struct relay_setup *setup)
{
    if (setup->database != NULL)
        return setup->database;
    const char *database = getenv("TEST_DB");
    if (database == NULL)
        fail_msg("TEST_DB is not set: the connection string of a database for tests");
    return database;
}

const char *relay_binary(void)
{
    const char *binary = getenv("RELAY_BINARY");
    return binary != NULL ? binary : RELAY_BINARY_BUILT;
}

static void make_arguments(const char **arguments, const struct relay *relay,
                           const struct relay_setup *setup)
{
    size_t count = 0;
    arguments[count++] = setup->binary != NULL ? setup->binary : relay_binary();
    arguments[count++] = "--config=/dev/null";
    arguments[count++] = "--listen_port=0";
    arguments[count++] = "--events_per_s_max=0";
    arguments[count++] = "--reqs_per_s_max=0";
    arguments[count++] = scratch_format("--database=%s", relay->database);
    arguments[count++] = scratch_format("--schema=%s", relay->schema);
    if (setup->data_dir != NULL)
        arguments[count++] = scratch_format("--data_dir=%s", setup->data_dir);
    for (size_t i = 0; setup->options != NULL && setup->options[i] != NULL; i++) {
        assert_true(count < OPTIONS_MAX - 1);
        arguments[count++] = scratch_format("--%s", setup->options[i]);
    }
    arguments[count] = NULL;
}

/* Relays that are to be gone when a test that failed ends its program. */
static pid_t running[RUNNING_MAX];
static pid_t running_parent;

static void end_running(void)
{
    for (int i = 0; i < RUNNING_MAX && getpid() == running_parent; i++)
        if (running[i] != 0)
            kill(running[i], SIGTERM);
}

static void note_running(pid_t before, pid_t after)
{
    int i = 0;
    if (running_parent == 0)
        atexit(end_running);
    running_parent = getpid();
    while (i < RUNNING_MAX && running[i] != before)
        i++;
    assert_true(i < RUNNING_MAX);
    running[i] = after;
}

static void spawn(struct relay *relay, const char **arguments)
{
    int out[2];
    char *argv[OPTIONS_MAX];
    snprintf(relay->log_path, sizeof relay->log_path, "/tmp/shoal-relay-XXXXXX");
    int log = mkostemp(relay->log_path, O_CLOEXEC | O_APPEND);
    assert_true(log >= 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    memcpy(argv, arguments, sizeof argv);
    fflush(NULL);
    relay->pid = fork();
    assert_true(relay->pid >= 0);
    if (relay->pid == 0) {
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO); /* no terminal, as a service */
        dup2(out[1], STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execv(argv[0], argv);
        fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    note_running(0, relay->pid);
    close(out[1]);
    close(log);
    relay->out = out[0];
}

static bool has_output(const struct relay *relay, int64_t deadline_ms)
{
    struct pollfd poller = {.fd = relay->out, .events = POLLIN};
    int ready;
    do {
        int64_t left_ms = deadline_ms - wire_now_ms();
        ready = poll(&poller, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Up to size - 1 bytes of its stdout; 0 when it has ended. */
static size_t read_out(const struct relay *relay, char *at, size_t size, int64_t deadline_ms)
{
    if (!has_output(relay, deadline_ms)) {
        print_log(relay);
        fail_msg("the relay neither spoke nor ended in time");
    }
    ssize_t got = read(relay->out, at, size - 1);
    assert_true(got >= 0);
    at[got] = '\0';
    return (size_t)got;
}

static bool await_ready(struct relay *relay)
{
    int64_t deadline_ms = wire_now_ms() + START_MS;
    size_t used = 0;
    for (;;) {
        const char *ready = strstr(relay->ready, "ready port=");
        if (ready != NULL && strchr(ready, '\n') != NULL) {
            relay->port = (uint16_t)strtoul(ready + strlen("ready port="), NULL, 10);
            assert_true(relay->port > 0);
            return true;
        }
        size_t got = read_out(relay, relay->ready + used, sizeof relay->ready - used, deadline_ms);
        if (got == 0)
            return false;
        used += got;
        assert_true(used < sizeof relay->ready - 1);
    }
}

/* Waits until the last process that has its stdout is gone. */
static int await_exit(struct relay *relay)
{
    char ignored[256];
    int status;
    int64_t deadline_ms = wire_now_ms() + END_MS;
    while (read_out(relay, ignored, sizeof ignored, deadline_ms) > 0)
        continue;
    close(relay->out);
    assert_int_equal(waitpid(relay->pid, &status, 0), relay->pid);
    note_running(relay->pid, 0);
    return status;
}

static void remove_log(const struct relay *relay)
{
    if (getenv("RELAY_LOG_KEEP") == NULL)
        unlink(relay->log_path);
    else
        fprintf(stderr, "log: %s\n", relay->log_path);
}

void relay_begin(struct relay *relay, const struct relay_setup *setup)
{
    static unsigned started;
    const char *arguments[OPTIONS_MAX] = {NULL};
    *relay = (struct relay){.database = database_of(setup)};
    if (setup->schema != NULL)
        snprintf(relay->schema, sizeof relay->schema, "%s", setup->schema);
    else if (relay->database[0] == '\0')
        snprintf(relay->schema, sizeof relay->schema, "shoal"); /* the same after a restart */
    else
        snprintf(relay->schema, sizeof relay->schema, "t%d_%u", getpid(), started++);
    make_arguments(arguments, relay, setup);
    spawn(relay, arguments);
}

bool relay_try_start(struct relay *relay, const struct relay_setup *setup)
{
    relay_begin(relay, setup);
    if (await_ready(relay))
        return true;
    await_exit(relay);
    remove_log(relay);
    return false;
}

void relay_await_ready(struct relay *relay)
{
    if (!await_ready(relay)) {
        await_exit(relay);
        print_log(relay);
        fail_msg("the relay ended before it was ready");
    }
}

void relay_start(struct relay *relay, const struct relay_setup *setup)
{
    relay_begin(relay, setup);
    relay_await_ready(relay);
}

void relay_await_end(struct relay *relay)
{
    int status = await_exit(relay);
    bool has_report = log_has_report(relay);
    if (has_report || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        print_log(relay);
        fail_msg("the relay ended with status %x%s", (unsigned)status,
                 has_report ? " and a sanitizer's report" : "");
    }
    remove_log(relay);
}

void relay_stop(struct relay *relay)
{
    assert_int_equal(kill(relay->pid, SIGTERM), 0);
    relay_await_end(relay);
}

void relay_kill(struct relay *relay)
{
    kill(relay->pid, SIGKILL);
    await_exit(relay);
    if (log_has_report(relay)) {
        print_log(relay);
        fail_msg("a sanitizer reported");
    }
    remove_log(relay);
}

/* "pid (name) state parent ...", the name of which may hold anything. */
static bool is_child(const char *pid, pid_t parent, const char *name)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *stat = fopen(path, "r");
    if (stat == NULL)
        return false;
    const char *read = fgets(line, sizeof line, stat);
    fclose(stat);
    char *start = strchr(line, '('), *end = strrchr(line, ')');
    if (read == NULL || start == NULL || end == NULL || strlen(end) < 5 ||
        strtol(end + 4, NULL, 10) != parent)
        return false;
    *end = '\0';
    return strcmp(start + 1, name) == 0;
}

size_t relay_children(const struct relay *relay, const char *name, pid_t *out, size_t out_max)
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (const struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc))
        if (isdigit((unsigned char)entry->d_name[0]) && count < out_max &&
            is_child(entry->d_name, relay->pid, name))
            out[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    closedir(proc);
    return count;
}

const char *relay_new_folder(void)
{
    char *folder = scratch_format("/tmp/shoal-data-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0); /* the relay's user passes through */
    return scratch_format("%s/data", folder);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void relay_remove_folder(const char *folder)
{
    char *parent = scratch_format("%s", folder);
    *strrchr(parent, '/') = '\0';
    nftw(parent, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}
