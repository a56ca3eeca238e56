#include "relay/supervisor.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "relay/cluster.h"
#include "relay/config.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/notify.h"
#include "relay/reserve.h"
#include "relay/revival.h"
#include "relay/route.h"
#include "relay/supervisor_greet.h"
#include "relay/supervisor_state.h"
#include "relay/takeover.h"
#include "relay/talkers.h"
#include "relay/worker.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    MERCY_MS = 3000, /* past drain_s_max, before a worker is killed */
    DATABASE_WAIT_MS = 1000,
};

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

/* What is no business of worker number: the others' sockets among it, which would outlast them.
 * Returns how many. */
static size_t list_private(const struct supervisor *supervisor, uint32_t number, int *out)
{
    size_t count = 0;
    out[count++] = supervisor->signals;
    out[count++] = supervisor->reserved;
    if (supervisor->cluster != NULL)
        out[count++] = cluster_log_fd(supervisor->cluster);
    for (uint32_t i = 0; i < supervisor->count; i++) {
        out[count++] = supervisor->children[i].ready_fd;
        if (i != number)
            out[count++] = supervisor->children[i].socket;
    }
    return count;
}

static bool provide_socket(const struct supervisor *supervisor, struct child *child)
{
    struct err err;
    if (child->socket >= 0 ||
        reserve_socket(&child->socket, supervisor->config->listen_address, supervisor->port, &err))
        return true;
    log_error("supervisor", "%s", err.text);
    return false;
}

static void start_worker(struct supervisor *supervisor, uint32_t number)
{
    struct child *child = &supervisor->children[number];
    bool is_able = supervisor_read_keys(supervisor) && provide_socket(supervisor, child);
    const struct worker_setup setup = {.config = supervisor->config,
                                       .shard = &supervisor->shard,
                                       .rules = supervisor->rules,
                                       .trust_roots = supervisor->roots.at,
                                       .number = number};
    int private[3 + 2 * METRICS_PROCESSES_MAX];
    size_t count = list_private(supervisor, number, private);
    if (is_able && child_start(child, &setup, private, count))
        revival_started(&child->revival);
    else
        revival_plan(&child->revival);
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
    if (supervisor->leaving.count > 0 && supervisor->leaving.deadline_ms != 0 &&
        (due == 0 || supervisor->leaving.deadline_ms < due))
        due = supervisor->leaving.deadline_ms;
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

static void signal_leaving(const struct leaving *leaving, int number)
{
    for (uint32_t i = 0; i < leaving->count; i++)
        kill(leaving->pids[i], number);
}

static int64_t deadline_of_drain(const struct config *config)
{
    return revival_now_ms() + config->drain_s_max * 1000 + MERCY_MS;
}

/* The port is ours: those before us finish what they have and end. */
static void relieve(struct supervisor *supervisor)
{
    struct leaving *leaving = &supervisor->leaving;
    if (leaving->count == 0)
        return;
    if (leaving->deadline_ms == 0) {
        leaving->deadline_ms = deadline_of_drain(supervisor->config);
        signal_leaving(leaving, SIGTERM);
    } else if (revival_now_ms() >= leaving->deadline_ms) {
        log_error("supervisor", "earlier workers did not end in time and are killed");
        leaving->deadline_ms = revival_now_ms() + MERCY_MS;
        signal_leaving(leaving, SIGKILL);
    }
}

static struct takeover describe_ourselves(const struct supervisor *supervisor)
{
    struct takeover takeover = {.reserved = supervisor->reserved,
                                .cluster = {.output = -1, .lock = -1},
                                .socket_count = supervisor->count};
    if (supervisor->cluster != NULL)
        takeover.cluster = cluster_hold(supervisor->cluster);
    for (uint32_t i = 0; i < supervisor->count; i++) {
        takeover.sockets[i] = supervisor->children[i].socket;
        if (supervisor->children[i].pid != 0)
            takeover.workers[takeover.worker_count++] = supervisor->children[i].pid;
    }
    return takeover;
}

/* Once an earlier reload is over. */
static void reload(struct supervisor *supervisor)
{
    struct err err;
    if (!supervisor->wants_reload || !supervisor->greeted || supervisor->leaving.count > 0)
        return;
    supervisor->wants_reload = false;
    struct takeover takeover = describe_ourselves(supervisor);
    notify_send("RELOADING=1");
    log_info("supervisor", "reloading");
    takeover_end(&takeover, supervisor->config, supervisor->program, supervisor->arguments, &err);
    log_error("supervisor", "all stays as it was: %s", err.text);
    notify_send("READY=1");
}

static void start_workers(struct supervisor *supervisor)
{
    supervisor->count = (uint32_t)config_processes(supervisor->config);
    for (uint32_t i = 0; i < supervisor->count; i++)
        start_worker(supervisor, i);
}

static void serve(struct supervisor *supervisor)
{
    while (supervisor->stops == 0) {
        supervisor_wait(supervisor, ms_until_due(supervisor));
        if (!supervisor->greeted && all_ready(supervisor))
            greet(supervisor);
        if (supervisor->stops > 0)
            return;
        revive(supervisor);
        if (supervisor->greeted)
            relieve(supervisor);
        reload(supervisor);
    }
}

static bool any_alive(const struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid != 0)
            return true;
    return supervisor->leaving.count > 0;
}

static void signal_workers(const struct supervisor *supervisor, int number)
{
    for (uint32_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid != 0)
            kill(supervisor->children[i].pid, number);
    signal_leaving(&supervisor->leaving, number);
}

static void stop_workers(struct supervisor *supervisor)
{
    int64_t deadline = deadline_of_drain(supervisor->config);
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
        supervisor_wait(supervisor, killing ? 100 : left);
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
        supervisor_wait(supervisor, DATABASE_WAIT_MS);
        if (supervisor->stops > 0)
            return false;
    }
    return true;
}

static bool open_cluster(struct supervisor *supervisor, const struct cluster_hold *hold,
                         struct err *err)
{
    const struct config *config = supervisor->config;
    supervisor->cluster =
        hold != NULL ? cluster_adopt(config, hold, err) : cluster_start(config, err);
    if (supervisor->cluster == NULL)
        return false;
    supervisor->shard.conninfo = cluster_conninfo(supervisor->cluster);
    if (cluster_pid(supervisor->cluster) != 0)
        revival_started(&supervisor->cluster_revival);
    else
        revival_plan(&supervisor->cluster_revival);
    return true;
}

static bool open_database(struct supervisor *supervisor, struct err *err)
{
    bool is_refused;
    while (supervisor->stops == 0 && wait_for_database(supervisor)) {
        if (route_migrate(&supervisor->shard, &is_refused, err))
            return true;
        if (is_refused)
            return false;
        log_warning("supervisor", "%s", err->text);
        supervisor_wait(supervisor, DATABASE_WAIT_MS);
    }
    return err_set(err, ERR_INTERNAL, "stopped while starting");
}

/* Of a takeover we need nothing but the database; it may be down, and then we are not to be. */
static bool prepare(struct supervisor *supervisor, const struct takeover *takeover, struct err *err)
{
    const struct config *config = supervisor->config;
    supervisor->port = (uint16_t)config->listen_port;
    supervisor->shard = (struct shard){.conninfo = config->database, .schema = config->schema};
    if (config->database_read[0] != '\0')
        supervisor->shard.standbys = config->database_read;
    for (uint32_t i = 0; i < METRICS_PROCESSES_MAX; i++)
        supervisor->children[i] = (struct child){.socket = -1, .ready_fd = -1};
    if (takeover == NULL &&
        !reserve_port(&supervisor->reserved, &supervisor->port, config->listen_address, err))
        return false;
    if (takeover != NULL) {
        supervisor->reserved = takeover->reserved;
        supervisor->port = reserve_number(takeover->reserved);
        for (uint32_t i = 0; i < takeover->socket_count; i++)
            supervisor->children[i].socket = takeover->sockets[i];
        supervisor->leaving.count = takeover->worker_count;
        memcpy(supervisor->leaving.pids, takeover->workers, sizeof takeover->workers);
    }
    if (config->database[0] == '\0' &&
        !open_cluster(supervisor, takeover != NULL ? &takeover->cluster : NULL, err))
        return false;
    supervisor_reap(supervisor); /* whoever ended meanwhile has told nobody */
    return open_database(supervisor, err);
}

/* One that cannot take over keeps those before it at their work. */
static void keep(struct supervisor *supervisor)
{
    struct leaving *leaving = &supervisor->leaving;
    supervisor->count = leaving->count;
    for (uint32_t i = 0; i < leaving->count; i++) {
        supervisor->children[i].pid = leaving->pids[i];
        supervisor->children[i].is_ready = true;
        revival_started(&supervisor->children[i].revival);
    }
    leaving->count = 0;
    supervisor->greeted = true;
    notify_send("READY=1");
}

/* Until it is asked to stop. */
static void run(struct supervisor *supervisor, const struct takeover *takeover)
{
    struct err err;
    if (prepare(supervisor, takeover, &err)) {
        start_workers(supervisor);
    } else if (takeover != NULL && supervisor->stops == 0) {
        log_error("supervisor", "the earlier workers go on: %s", err.text);
        keep(supervisor);
    } else {
        supervisor_take_signals(supervisor);
        supervisor->failed = supervisor->stops == 0;
        log_line(supervisor->failed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "supervisor", "%s",
                 err.text);
        supervisor->stops++;
    }
    serve(supervisor);
    stop_workers(supervisor);
}

int supervisor_run(const struct config *config, const char *program, char *const *arguments)
{
    struct supervisor supervisor = {
        .config = config, .program = program, .arguments = arguments, .reserved = -1};
    struct takeover takeover;
    bool is_takeover = takeover_begin(&takeover);
    supervisor_block_signals(&supervisor);
    raise_open_files(config);
    metrics_open();
    talkers_open();
    log_info("supervisor", "starting version=" SHOAL_VERSION " processes=%" PRId64,
             config_processes(config));
    run(&supervisor, is_takeover ? &takeover : NULL);
    if (supervisor.cluster != NULL)
        cluster_stop(supervisor.cluster);
    if (supervisor.reserved >= 0)
        close(supervisor.reserved);
    close(supervisor.signals);
    supervisor_free_keys(&supervisor);
    log_info("supervisor", "stopped");
    return supervisor.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
