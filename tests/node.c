#include "tests/node.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/wire.h"

enum { ARGUMENTS_MAX = 40 };

static _Noreturn void become(const char *binary, const char *const *arguments, int log)
{
    const char *all[ARGUMENTS_MAX + 5] = {binary, "serve", "--listen", "127.0.0.1:0"};
    size_t count = 4;
    char *argv[ARGUMENTS_MAX + 5];
    while (*arguments != NULL && count < ARGUMENTS_MAX + 4)
        all[count++] = *arguments++;
    memcpy(argv, all, sizeof argv);
    dup2(log, STDERR_FILENO);
    execv(binary, argv);
    _exit(127);
}

/* False once it has closed its end, or not a word came in time. */
static bool read_more(struct node *node)
{
    struct pollfd poller = {.fd = node->log, .events = POLLIN};
    if (poll(&poller, 1, WIRE_WAIT_MS) != 1)
        return false;
    ssize_t got = read(node->log, text_reserve(&node->said, 4096), 4095);
    if (got <= 0)
        return false;
    node->said.len += (size_t)got;
    node->said.at[node->said.len] = '\0';
    return true;
}

void node_await(struct node *node, const char *words)
{
    while (node->said.len == 0 || strstr(node->said.at, words) == NULL)
        if (!read_more(node))
            fail_msg("the node has not said '%s': %s", words, node->said.at);
}

void node_spawn(struct node *node, const char *binary, const char *const *arguments)
{
    int ends[2];
    *node = (struct node){0};
    text_add(&node->said, SPAN("\0"));
    node->said.len = 0;
    assert_int_equal(pipe(ends), 0);
    node->pid = fork();
    assert_true(node->pid >= 0);
    if (node->pid == 0)
        become(binary, arguments, ends[1]);
    close(ends[1]);
    node->log = ends[0];
}

void node_start(struct node *node, const char *binary, const char *const *arguments)
{
    node_spawn(node, binary, arguments);
    node_await(node, " model=");
    const char *at = strstr(node->said.at, "http://127.0.0.1:");
    assert_non_null(at);
    node->port = (uint16_t)strtoul(at + strlen("http://127.0.0.1:"), NULL, 10);
}

int node_stop(struct node *node, int signal)
{
    int status;
    kill(node->pid, signal);
    while (read_more(node))
        continue;
    assert_int_equal(waitpid(node->pid, &status, 0), node->pid);
    close(node->log);
    if (strstr(node->said.at, "Sanitizer") != NULL)
        fail_msg("%s", node->said.at);
    text_clear(&node->said);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
