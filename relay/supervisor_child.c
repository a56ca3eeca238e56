#include "relay/supervisor_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/log.h"
#include "relay/worker.h"

/* In the new process. */
static void be_worker(const struct worker_setup *setup, const int *private, size_t count)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != setup->parent)
        _exit(EXIT_FAILURE);
    setpgid(0, 0); /* Ctrl-C is for the parent, which then stops all in order */
    for (size_t i = 0; i < count; i++)
        if (private[i] >= 0)
            close(private[i]);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    exit(worker_run(setup)); // NOLINT(concurrency-mt-unsafe): the pool has ended
}

bool child_start(struct child *child, const struct worker_setup *setup, const int *private,
                 size_t count)
{
    struct worker_setup own = *setup;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    own.parent = getpid();
    own.ready_fd = ends[1];
    own.socket = child->socket;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_worker(&own, private, count);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        log_error("supervisor", "cannot fork: %s", strerrordesc_np(errno));
        return false;
    }
    child->pid = pid;
    child->ready_fd = ends[0];
    log_info("supervisor", "worker started number=%u pid=%d", setup->number, (int)pid);
    return true;
}

static void forget_ready(struct child *child)
{
    if (child->ready_fd >= 0)
        close(child->ready_fd);
    child->ready_fd = -1;
}

void child_take_ready(struct child *child)
{
    char byte;
    ssize_t count = read(child->ready_fd, &byte, 1);
    if (count < 0 && errno == EINTR)
        return;
    child->is_ready = count == 1;
    forget_ready(child);
}

void child_ended(struct child *child)
{
    child->pid = 0;
    child->is_ready = false;
    forget_ready(child);
}

void child_describe(char *out, size_t size, int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "signal=%s%s", sigabbrev_np(WTERMSIG(status)),
                 WCOREDUMP(status) ? " core=dumped" : "");
    else
        snprintf(out, size, "status=%d", WEXITSTATUS(status));
}
