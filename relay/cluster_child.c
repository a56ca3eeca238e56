#include "relay/cluster_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/err.h"

/* As much as a child may say while nobody reads, before it waits for us. */
enum { OUTPUT_BYTES = 1 << 20 };

/* NOLINTBEGIN(concurrency-mt-unsafe): between fork and exec there is one thread */
static void scrub_environment(void)
{
    for (bool found = true; found;) {
        found = false;
        for (char **at = environ; *at != NULL && !found; at++) {
            char name[64];
            size_t len = strcspn(*at, "=");
            if (strncmp(*at, "PG", 2) != 0 || len >= sizeof name)
                continue;
            snprintf(name, sizeof name, "%.*s", (int)len, *at);
            found = unsetenv(name) == 0; /* which moved the rest: from the start */
        }
    }
    unsetenv("NOTIFY_SOCKET");
    setenv("LC_ALL", "C", 1); /* its words are read by us */
    /* Memory that one batch gave back is the next one's, not the kernel's to clear again. */
    setenv("MALLOC_MMAP_THRESHOLD_", "33554432", 1);
    setenv("MALLOC_TRIM_THRESHOLD_", "67108864", 1);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void exec_child(const struct drop *drop, const char *const argv[], int output,
                       int death_signal, pid_t parent)
{
    struct err err;
    char *words[CLUSTER_ARGUMENTS_MAX] = {NULL}; /* execv wants them without const */
    for (size_t i = 0; argv[i] != NULL && i < CLUSTER_ARGUMENTS_MAX - 1; i++)
        memcpy(&words[i], &argv[i], sizeof words[i]);

    assert(words[0] != NULL);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    closefrom(STDERR_FILENO + 1);
    setpgid(0, 0);
    umask(077);
    scrub_environment();
    if (!drop_for_good(drop, &err)) {
        dprintf(STDERR_FILENO, "FATAL:  %s\n", err.text);
        _exit(126);
    }
    /* after the change of user, which clears it */
    if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
        _exit(126);
    if (chdir("/") != 0)
        _exit(126);
    reset_signals();
    execv(words[0], words);
    dprintf(STDERR_FILENO, "FATAL:  cannot run %s: %s\n", argv[0], strerrordesc_np(errno));
    _exit(127);
}
/* NOLINTEND(concurrency-mt-unsafe) */

bool cluster_child_start(struct cluster_child *child, const struct drop *drop,
                         const char *const argv[], int death_signal, struct err *err)
{
    int ends[2];
    *child = (struct cluster_child){.output = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_INTERNAL, "cannot make a pipe: %s", strerrordesc_np(errno));
    (void)fcntl(ends[0], F_SETPIPE_SZ, OUTPUT_BYTES);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);

    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_child(drop, argv, ends[1], death_signal, parent);
    close(ends[1]);
    child->output = ends[0];
    child->pid = pid > 0 ? pid : 0;
    if (pid > 0)
        return true;
    cluster_child_close(child);
    return err_set(err, ERR_INTERNAL, "cannot fork: %s", strerrordesc_np(errno));
}

/* Fatal for a connection, and what every stop and start is full of. */
static bool is_ordinary(const char *line)
{
    return strncmp(line, "FATAL:  terminating ", 20) == 0 ||
           strncmp(line, "FATAL:  the database system is ", 31) == 0;
}

static enum log_level level_of(const char *line)
{
    if (is_ordinary(line))
        return LOG_LEVEL_DEBUG;
    if (strncmp(line, "FATAL:", 6) == 0 || strncmp(line, "PANIC:", 6) == 0 ||
        strncmp(line, "initdb: error:", 14) == 0 || strncmp(line, "initdb: could not ", 18) == 0)
        return LOG_LEVEL_ERROR;
    if (strncmp(line, "ERROR:", 6) == 0 || strncmp(line, "WARNING:", 8) == 0)
        return LOG_LEVEL_WARNING;
    return LOG_LEVEL_DEBUG;
}

/* Without the words before it, which our own log has as a level. */
static const char *message_of(const char *line)
{
    static const char *const words[] = {
        "initdb: ", "error: ", "warning: ", "FATAL:  ", "PANIC:  ", "ERROR:  ", "WARNING:  "};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strncmp(line, words[i], strlen(words[i])) == 0)
            line += strlen(words[i]);
    return line;
}

static void end_line(struct cluster_child *child)
{
    child->line[child->len] = '\0';
    enum log_level level = level_of(child->line);
    if (level == LOG_LEVEL_ERROR)
        snprintf(child->complaint, sizeof child->complaint, "%s", message_of(child->line));
    if (child->len > 0)
        log_line(level, "postgres", "%s",
                 level == LOG_LEVEL_DEBUG ? child->line : message_of(child->line));
    child->len = 0;
}

void cluster_child_read(struct cluster_child *child, int timeout_ms)
{
    struct pollfd wait = {.fd = child->output, .events = POLLIN};
    char bytes[4096];
    if (poll(&wait, 1, timeout_ms) <= 0 || child->output < 0)
        return;
    ssize_t count = read(child->output, bytes, sizeof bytes);
    for (ssize_t i = 0; i < count; i++)
        if (bytes[i] == '\n')
            end_line(child);
        else if (child->len < sizeof child->line - 1)
            child->line[child->len++] = bytes[i];
    if (count == 0) { /* it closed its end: polling on would never wait again */
        close(child->output);
        child->output = -1;
    }
}

bool cluster_child_ended(struct cluster_child *child, int *status)
{
    if (child->pid == 0 || waitpid(child->pid, status, WNOHANG) != child->pid)
        return false;
    child->pid = 0;
    return true;
}

void cluster_child_close(struct cluster_child *child)
{
    enum { READS_MAX = 1000 };
    for (int i = 0; i < READS_MAX && child->output >= 0; i++) {
        struct pollfd ready = {.fd = child->output, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0)
            break;
        cluster_child_read(child, 0);
    }
    if (child->output >= 0)
        close(child->output);
    child->output = -1;
}
