#include "relay/supervisor_state.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/cluster.h"
#include "relay/log.h"
#include "relay/worker.h"

void supervisor_block_signals(struct supervisor *supervisor)
{
    struct sigaction hangup;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* which it is under nohup */
        sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    supervisor->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (supervisor->signals < 0)
        abort();
    (void)signal(SIGPIPE, SIG_IGN);
}

static void worker_ended(struct supervisor *supervisor, uint32_t number, int status)
{
    struct child *child = &supervisor->children[number];
    char how[64];
    child_describe(how, sizeof how, status);
    pid_t pid = child->pid;
    child_ended(child);
    /* by SIGTERM: before it had a handler, and with that before it served anybody */
    bool killed =
        WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    if (!good && !killed)
        supervisor->failed = true;
    if (supervisor->stops > 0) {
        log_info("supervisor", "worker ended number=%u pid=%d %s", number, (int)pid, how);
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CANNOT_SERVE && !supervisor->greeted &&
        supervisor->leaving.count == 0) {
        supervisor->stops = 1; /* it said why, and trying again would say it again */
        return;
    }
    int64_t restart_ms = revival_plan(&child->revival);
    log_error("supervisor", "worker died number=%u pid=%d %s restart_ms=%" PRId64, number, (int)pid,
              how, restart_ms);
    if (child->revival.failures > 1) { /* who waits to be accepted there would wait for long */
        close(child->socket);
        child->socket = -1;
    }
}

static void leaver_ended(struct leaving *leaving, uint32_t which, int status)
{
    char how[64];
    child_describe(how, sizeof how, status);
    log_info("supervisor", "earlier worker ended pid=%d %s", (int)leaving->pids[which], how);
    leaving->pids[which] = leaving->pids[--leaving->count];
}

void supervisor_reap(struct supervisor *supervisor)
{
    struct leaving *leaving = &supervisor->leaving;
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        for (uint32_t i = 0; i < supervisor->count; i++)
            if (supervisor->children[i].pid == pid)
                worker_ended(supervisor, i, status);
        for (uint32_t i = 0; i < leaving->count; i++)
            if (leaving->pids[i] == pid)
                leaver_ended(leaving, i, status);
        if (supervisor->cluster != NULL && cluster_pid(supervisor->cluster) == pid) {
            char how[64];
            child_describe(how, sizeof how, status);
            log_error("supervisor", "postgres died pid=%d %s restart_ms=%" PRId64, (int)pid, how,
                      revival_plan(&supervisor->cluster_revival));
            cluster_ended(supervisor->cluster);
        }
    }
}

void supervisor_take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            supervisor_reap(supervisor);
            continue;
        }
        if (info.ssi_signo == SIGHUP && !isatty(STDIN_FILENO)) {
            supervisor->wants_reload = true;
            continue;
        }
        supervisor->stops++;
        log_info("supervisor", "%s signal=%s", supervisor->stops > 1 ? "hurrying" : "stopping",
                 sigabbrev_np((int)info.ssi_signo));
    }
}

void supervisor_wait(struct supervisor *supervisor, int64_t ms)
{
    struct pollfd fds[2 + METRICS_PROCESSES_MAX];
    fds[0] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = supervisor->cluster ? cluster_log_fd(supervisor->cluster) : -1,
                             .events = POLLIN};
    for (uint32_t i = 0; i < supervisor->count; i++)
        fds[2 + i] = (struct pollfd){.fd = supervisor->children[i].ready_fd, .events = POLLIN};
    if (poll(fds, 2 + supervisor->count, ms > INT32_MAX ? INT32_MAX : (int)ms) <= 0)
        return;
    if (fds[1].revents != 0)
        cluster_log(supervisor->cluster);
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (fds[2 + i].revents != 0)
            child_take_ready(&supervisor->children[i]);
    if (fds[0].revents != 0)
        supervisor_take_signals(supervisor);
}
