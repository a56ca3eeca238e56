#include "relay/takeover.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/config.h"
#include "shared/err.h"
#include "shared/text.h"

enum { ARGUMENTS_MAX = 256 };

/* A line each; what is private in the database's string stays out. */
static void add_settings(struct text *out, const struct config *config)
{
    text_addf(out, "listen_address %s\nlisten_port %" PRId64 "\ndata_dir %s\ndatabase %s\n",
              config->listen_address, config->listen_port, config->data_dir,
              config->database[0] == '\0' ? "its own" : "somebody else's");
}

static void add_numbers(struct text *out, const struct takeover *takeover)
{
    text_addf(out, "%d %d %d %d %" PRIu32, takeover->reserved, (int)takeover->cluster.pid,
              takeover->cluster.output, takeover->cluster.lock, takeover->socket_count);
    for (uint32_t i = 0; i < takeover->socket_count; i++)
        text_addf(out, " %d", takeover->sockets[i]);
    text_addf(out, " %" PRIu32, takeover->worker_count);
    for (uint32_t i = 0; i < takeover->worker_count; i++)
        text_addf(out, " %d", (int)takeover->workers[i]);
    text_addf(out, "\n");
}

static int take_number(const char **at)
{
    char *end;
    long number = strtol(*at, &end, 10);
    *at = end;
    return (int)number;
}

/* Descriptors are for us alone; children get what they are given. */
static int take_fd(const char **at)
{
    int fd = take_number(at);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static uint32_t take_count(const char **at)
{
    int count = take_number(at);
    return count < 0 || count > METRICS_PROCESSES_MAX ? 0 : (uint32_t)count;
}

/* NOLINTBEGIN(concurrency-mt-unsafe): the supervisor has one thread */
bool takeover_begin(struct takeover *takeover)
{
    const char *at = getenv(TAKEOVER_NAME);
    *takeover = (struct takeover){.reserved = -1, .cluster = {.output = -1, .lock = -1}};
    if (at == NULL)
        return false;
    takeover->reserved = take_fd(&at);
    takeover->cluster.pid = (pid_t)take_number(&at);
    takeover->cluster.output = take_fd(&at);
    takeover->cluster.lock = take_fd(&at);
    takeover->socket_count = take_count(&at);
    for (uint32_t i = 0; i < takeover->socket_count; i++)
        takeover->sockets[i] = take_fd(&at);
    takeover->worker_count = take_count(&at);
    for (uint32_t i = 0; i < takeover->worker_count; i++)
        takeover->workers[i] = (pid_t)take_number(&at);
    unsetenv(TAKEOVER_NAME);
    return true;
}

bool takeover_check(const struct config *config, struct err *err)
{
    const char *numbers = getenv(TAKEOVER_NAME);
    if (numbers == NULL)
        return true;
    const char *before = numbers + strcspn(numbers, "\n");
    before += *before == '\n';
    struct text now = {0};
    add_settings(&now, config);
    text_add(&now, (struct span){"", 1});
    bool is_same = strcmp(before, now.at) == 0;
    if (!is_same) {
        size_t line = 0;
        for (size_t i = 0; before[i] == now.at[i]; i++)
            if (now.at[i] == '\n')
                line = i + 1;
        err_fill(err, ERR_INVALID, "%.*s cannot change while the relay runs: stop it and start it",
                 (int)strcspn(now.at + line, " "), now.at + line);
    }
    text_clear(&now);
    return is_same;
}

/* In a child: its complaints go where ours go. */
static bool ask(const char *program, char *const *arguments, struct err *err)
{
    static char option[] = "--check-config";
    char *with_option[ARGUMENTS_MAX + 2] = {NULL};
    uint32_t count = 0;
    int status;
    for (; arguments[count] != NULL; count++) {
        if (count == ARGUMENTS_MAX)
            return err_set(err, ERR_INTERNAL, "more than %d arguments", ARGUMENTS_MAX);
        with_option[count] = arguments[count];
    }
    with_option[count] = option;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
            _exit(126);
        execv(program, with_option);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return err_set(err, ERR_INTERNAL, "cannot fork: %s", strerrordesc_np(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(err, ERR_INTERNAL, "cannot run %.200s", program);
    return (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) ||
           err_set(err, ERR_INVALID, "the settings are not good to go on with");
}

static void keep_across_exec(const struct takeover *takeover, bool keep)
{
    const int fds[] = {takeover->reserved, takeover->cluster.output, takeover->cluster.lock};
    int flags = keep ? 0 : FD_CLOEXEC;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)fcntl(fds[i], F_SETFD, flags);
    for (uint32_t i = 0; i < takeover->socket_count; i++)
        if (takeover->sockets[i] >= 0)
            (void)fcntl(takeover->sockets[i], F_SETFD, flags);
}

void takeover_end(const struct takeover *takeover, const struct config *config, const char *program,
                  char *const *arguments, struct err *err)
{
    struct text text = {0};
    add_numbers(&text, takeover);
    add_settings(&text, config);
    text_add(&text, (struct span){"", 1});
    bool is_set = setenv(TAKEOVER_NAME, text.at, 1) == 0;
    text_clear(&text);
    if (!is_set) {
        err_fill(err, ERR_INTERNAL, "setenv: %s", strerrordesc_np(errno));
        return;
    }
    if (ask(program, arguments, err)) {
        keep_across_exec(takeover, true);
        execv(program, arguments);
        err_fill(err, ERR_INTERNAL, "cannot run %.200s: %s", program, strerrordesc_np(errno));
        keep_across_exec(takeover, false);
    }
    unsetenv(TAKEOVER_NAME);
}
/* NOLINTEND(concurrency-mt-unsafe) */
