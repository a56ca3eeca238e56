#include "relay/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/cluster.h"
#include "relay/config.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/notify.h"
#include "relay/reserve.h"
#include "relay/revival.h"
#include "relay/schema.h"
#include "relay/supervisor_greet.h"
#include "relay/worker.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    MERCY_MS = 3000, /* past drain_s_max, before a worker is killed */
    DATABASE_WAIT_MS = 1000,
};

struct child {
    pid_t pid;    /* 0: none */
    int ready_fd; /* -1: nothing more comes from it */
    bool is_ready;
    struct revival revival;
};

struct supervisor {
    const struct config *config;
    struct shard shard;
    struct cluster *cluster; /* NULL: the database is somebody else's */
    struct revival cluster_revival;
    int signals, reserved;
    uint16_t port;
    bool greeted;
    bool failed;    /* something went wrong that the exit status must tell */
    uint32_t stops; /* how often we were asked to stop */
    uint32_t count;
    struct child children[METRICS_PROCESSES_MAX];
};

static void block_signals(struct supervisor *supervisor)
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

static void raise_open_files(const struct config *config)
{
    enum { OTHER_FILES = 100 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < (rlim_t)config->connections_max + OTHER_FILES)
        log_warning("supervisor", "connections_max is %" PRId64 ", but only %llu files may be open",
                    config->connections_max, (unsigned long long)limit.rlim_max);
}

/* In the new process. */
static void be_worker(const struct supervisor *supervisor, uint32_t number, int ready_fd,
                      pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    setpgid(0, 0); /* Ctrl-C is for the parent, which then stops all in order */
    close(supervisor->signals);
    if (supervisor->cluster != NULL)
        close(cluster_log_fd(supervisor->cluster));
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].ready_fd >= 0)
            close(supervisor->children[i].ready_fd);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);

    struct worker_setup setup = {.config = supervisor->config,
                                 .shard = &supervisor->shard,
                                 .number = number,
                                 .port = supervisor->port,
                                 .ready_fd = ready_fd,
                                 .parent = parent};
    exit(worker_run(&setup)); // NOLINT(concurrency-mt-unsafe): the pool has ended
}

static void start_worker(struct supervisor *supervisor, uint32_t number)
{
    struct child *child = &supervisor->children[number];
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_worker(supervisor, number, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        log_error("supervisor", "cannot fork: %s", strerrordesc_np(errno));
        revival_plan(&child->revival);
        return;
    }
    child->pid = pid;
    child->ready_fd = ends[0];
    revival_started(&child->revival);
    log_info("supervisor", "worker started number=%u pid=%d", number, (int)pid);
}

static void forget_ready(struct child *child)
{
    if (child->ready_fd >= 0)
        close(child->ready_fd);
    child->ready_fd = -1;
}

static void describe(char *out, size_t size, int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "signal=%s%s", sigabbrev_np(WTERMSIG(status)),
                 WCOREDUMP(status) ? " core=dumped" : "");
    else
        snprintf(out, size, "status=%d", WEXITSTATUS(status));
}

static void worker_ended(struct supervisor *supervisor, uint32_t number, int status)
{
    struct child *child = &supervisor->children[number];
    char how[64];
    describe(how, sizeof how, status);
    pid_t pid = child->pid;
    child->pid = 0;
    child->is_ready = false;
    forget_ready(child);
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
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CANNOT_SERVE && !supervisor->greeted) {
        supervisor->stops = 1; /* it said why, and trying again would say it again */
        return;
    }
    log_error("supervisor", "worker died number=%u pid=%d %s restart_ms=%" PRId64, number, (int)pid,
              how, revival_plan(&child->revival));
}

static void reap(struct supervisor *supervisor)
{
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        for (uint32_t i = 0; i < supervisor->count; i++)
            if (supervisor->children[i].pid == pid)
                worker_ended(supervisor, i, status);
        if (supervisor->cluster != NULL && cluster_pid(supervisor->cluster) == pid) {
            char how[64];
            describe(how, sizeof how, status);
            log_error("supervisor", "postgres died pid=%d %s restart_ms=%" PRId64, (int)pid, how,
                      revival_plan(&supervisor->cluster_revival));
            cluster_ended(supervisor->cluster);
        }
    }
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(supervisor);
            continue;
        }
        supervisor->stops++;
        log_info("supervisor", "%s signal=%s", supervisor->stops > 1 ? "hurrying" : "stopping",
                 sigabbrev_np((int)info.ssi_signo));
    }
}

static void take_ready(struct child *child)
{
    char byte;
    ssize_t count = read(child->ready_fd, &byte, 1);
    if (count < 0 && errno == EINTR)
        return;
    child->is_ready = count == 1;
    forget_ready(child);
}

/* Waits for signals, words of postgres, readiness, or until ms have passed (-1: for ever). */
static void wait_for_events(struct supervisor *supervisor, int64_t ms)
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
            take_ready(&supervisor->children[i]);
    if (fds[0].revents != 0)
        take_signals(supervisor);
}

static void revive(struct supervisor *supervisor)
{
    struct err err;
    if (revival_is_due(&supervisor->cluster_revival)) {
        if (cluster_restart(supervisor->cluster, &err))
            revival_started(&supervisor->cluster_revival);
        else
            log_error("supervisor", "%s; again in %" PRId64 " ms", err.text,
                      revival_plan(&supervisor->cluster_revival));
    }
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (revival_is_due(&supervisor->children[i].revival))
            start_worker(supervisor, i);
}

static int64_t ms_until_due(const struct supervisor *supervisor)
{
    int64_t due = supervisor->cluster_revival.due_ms;
    for (uint32_t i = 0; i < supervisor->count; i++) {
        int64_t other = supervisor->children[i].revival.due_ms;
        if (other != 0 && (due == 0 || other < due))
            due = other;
    }
    if (due == 0)
        return -1;
    int64_t wait = due - revival_now_ms();
    return wait > 0 ? wait : 0;
}

static bool all_ready(const struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (!supervisor->children[i].is_ready)
            return false;
    return true;
}

static void greet(struct supervisor *supervisor)
{
    struct text text = {0};
    supervisor_greet(&text, supervisor->config, supervisor->port);
    fwrite(text.at, 1, text.len, stdout);
    fflush(stdout); /* also before the next fork, which would copy what waits */
    text_clear(&text);
    notify_send("READY=1");
    supervisor->greeted = true;
}

static void serve(struct supervisor *supervisor)
{
    supervisor->count = (uint32_t)config_processes(supervisor->config);
    for (uint32_t i = 0; i < supervisor->count; i++)
        supervisor->children[i].ready_fd = -1;
    for (uint32_t i = 0; i < supervisor->count; i++)
        start_worker(supervisor, i);
    while (supervisor->stops == 0) {
        wait_for_events(supervisor, ms_until_due(supervisor));
        if (supervisor->stops == 0)
            revive(supervisor);
        if (!supervisor->greeted && all_ready(supervisor))
            greet(supervisor);
    }
}

static bool any_alive(const struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid != 0)
            return true;
    return false;
}

static void signal_workers(const struct supervisor *supervisor, int number)
{
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid != 0)
            kill(supervisor->children[i].pid, number);
}

static void stop_workers(struct supervisor *supervisor)
{
    int64_t deadline = revival_now_ms() + supervisor->config->drain_s_max * 1000 + MERCY_MS;
    notify_send("STOPPING=1");
    signal_workers(supervisor, SIGTERM);
    while (any_alive(supervisor)) {
        int64_t left = deadline - revival_now_ms();
        bool killing = left <= 0 || supervisor->stops > 1;
        if (left <= 0 && supervisor->stops <= 1) {
            log_error("supervisor", "workers did not end in time and are killed");
            supervisor->failed = true;
            supervisor->stops = 2;
        }
        if (killing)
            signal_workers(supervisor, SIGKILL);
        wait_for_events(supervisor, killing ? 100 : left);
    }
}

/* Somebody else's database may come later than we do. */
static bool wait_for_database(struct supervisor *supervisor)
{
    const char *keywords[] = {"connect_timeout", "dbname", NULL};
    const char *values[] = {"5", supervisor->shard.conninfo, NULL};
    for (bool said = false; PQpingParams(keywords, values, 1) != PQPING_OK; said = true) {
        if (!said)
            log_warning("supervisor", "the database cannot be reached, trying until it can");
        wait_for_events(supervisor, DATABASE_WAIT_MS);
        if (supervisor->stops > 0)
            return false;
    }
    return true;
}

static bool prepare(struct supervisor *supervisor, struct err *err)
{
    const struct config *config = supervisor->config;
    supervisor->port = (uint16_t)config->listen_port;
    if (!reserve_port(&supervisor->reserved, &supervisor->port, config->listen_address, err))
        return false;
    supervisor->shard = (struct shard){.conninfo = config->database, .schema = config->schema};
    if (config->database[0] == '\0') {
        supervisor->cluster = cluster_start(config, err);
        if (supervisor->cluster == NULL)
            return false;
        revival_started(&supervisor->cluster_revival);
        supervisor->shard.conninfo = cluster_conninfo(supervisor->cluster);
    }
    while (wait_for_database(supervisor)) {
        if (schema_migrate(&supervisor->shard, err))
            return true;
        if (PQping(supervisor->shard.conninfo) == PQPING_OK)
            return false;
    }
    return err_set(err, ERR_INTERNAL, "stopped while starting");
}

int supervisor_run(const struct config *config)
{
    struct supervisor supervisor = {.config = config, .reserved = -1};
    struct err err;
    block_signals(&supervisor);
    raise_open_files(config);
    metrics_open();
    log_info("supervisor", "starting version=" SHOAL_VERSION " processes=%" PRId64,
             config_processes(config));
    if (prepare(&supervisor, &err)) {
        serve(&supervisor);
        stop_workers(&supervisor);
    } else {
        take_signals(&supervisor);
        supervisor.failed = supervisor.stops == 0;
        log_line(supervisor.failed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "supervisor", "%s",
                 err.text);
    }
    if (supervisor.cluster != NULL)
        cluster_stop(supervisor.cluster);
    if (supervisor.reserved >= 0)
        close(supervisor.reserved);
    close(supervisor.signals);
    log_info("supervisor", "stopped");
    return supervisor.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
