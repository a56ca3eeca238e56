#include "relay/worker.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "relay/admin.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/control_db.h"
#include "relay/dispatch.h"
#include "relay/drop.h"
#include "relay/ingest.h"
#include "relay/live.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/policy.h"
#include "relay/query.h"
#include "relay/reconcile.h"
#include "relay/retention.h"
#include "relay/server.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "relay/talkers.h"
#include "relay/window.h"
#include "relay/worker_extra.h"
#include "shared/err.h"

enum {
    TICK_MS = 10,         /* while something is waited for */
    TIDY_MS = 1000,       /* while serving */
    ALONE_MS_MAX = 3000,  /* then it listens even without its database */
    INGEST_MS_MAX = 2000, /* what takes longer is not waited for with the doors open */
    STORE_CONNECTIONS =
        5, /* besides the readers: one writes, two listen, one searches, one indexes */
};

/* Each phase waits for one thing:
 *
 *     STARTING   the database answers           -> SERVING: listens, and the parent is told
 *     SERVING    SIGTERM                        -> FINISHING: no new connections
 *     FINISHING  what had come is answered      -> PARTING: subscriptions and connections end
 *     PARTING    no connection is left          -> SETTLING
 *     SETTLING   what the pool and the database still had is answered -> everything is freed
 *
 * From FINISHING on, the deadline ends it. */
enum phase { STARTING, SERVING, FINISHING, PARTING, SETTLING };

struct worker {
    const struct worker_setup *setup;
    enum phase phase;
    bool listens;
    bool parted; /* no connection is left */
    uint64_t phase_ms, deadline_ms;
    uint64_t owed; /* answers ever given, once what had come before FINISHING has been answered */
    struct policy policy;
    struct retention retention;
    struct worker_extra extra;
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_timer_t tick;
    struct session_table *sessions;
    struct shards *store;
    struct control *control;
    struct control_db *control_db;
    struct admin *admin;
    struct live *live;
    struct window *window;
    struct ingest *ingest;
    struct query *query;
    struct reconcile_desk *reconciles;
    struct dispatch *dispatch;
    struct server *server;
};

static void on_foreign(void *owner, const struct event *event)
{
    struct worker *worker = owner;
    ingest_foreign(worker->ingest, event);
}

static void on_changed(void *owner, enum control_list list)
{
    struct worker *worker = owner;
    if (worker->phase >= SETTLING) /* there is no server any more */
        return;
    server_describe(worker->server);
    if (list == CONTROL_IP)
        server_cut_blocked(worker->server);
}

static void on_purged(void *owner, const struct filter *filter)
{
    struct worker *worker = owner;
    window_purged(worker->window, filter);
}

static void on_caught_up(void *owner, bool is_caught_up)
{
    struct worker *worker = owner;
    window_on_caught_up(worker->window, is_caught_up);
}

static void on_fetch(void *owner, bool is_over)
{
    struct worker *worker = owner;
    window_on_fetch(worker->window, is_over);
}

static void on_parted(void *owner)
{
    struct worker *worker = owner;
    worker->parted = true;
}

static void say_ready(struct worker *worker)
{
    ssize_t count = write(worker->setup->ready_fd, "r", 1);
    if (count != 1)
        log_warning("worker", "nobody waits for this worker to be ready");
    close(worker->setup->ready_fd);
    log_info("worker", "ready number=%u", worker->setup->number);
}

/* Who connects finds the database there: the other workers serve until this one can. */
static void listen_once(struct worker *worker)
{
    struct err err;
    if (worker->listens)
        return;
    if (!server_listen(worker->server, &err)) {
        log_error("worker", "%s", err.text);
        _exit(WORKER_CANNOT_SERVE);
    }
    worker->listens = true;
}

static void on_tick(uv_timer_t *tick);

static void enter(struct worker *worker, enum phase phase)
{
    worker->phase = phase;
    worker->phase_ms = uv_now(&worker->loop);
    uint64_t ms = phase == SERVING ? TIDY_MS : TICK_MS;
    uv_timer_start(&worker->tick, on_tick, ms, ms);
    switch (phase) {
    case STARTING:
    case SETTLING:
        return;
    case SERVING:
        listen_once(worker);
        say_ready(worker);
        return;
    case FINISHING:
        worker->deadline_ms =
            worker->phase_ms + (uint64_t)worker->setup->config->drain_s_max * 1000;
        worker->owed = ingest_answered(worker->ingest) + ingest_pending(worker->ingest);
        server_stop_listening(worker->server);
        return;
    case PARTING:
        query_drain(worker->query, "shutting down");
        reconcile_drain(worker->reconciles, "shutting down");
        server_drain(worker->server, on_parted, worker);
        return;
    }
}

/* Closing what runs on the loop makes uv_run return. */
static void end(struct worker *worker)
{
    uv_close((uv_handle_t *)&worker->tick, NULL);
    uv_close((uv_handle_t *)&worker->terminate, NULL);
    dispatch_free(worker->dispatch);
    query_free(worker->query);
    reconcile_desk_free(worker->reconciles);
    control_db_free(worker->control_db);
    worker_extra_close(&worker->extra);
    shards_free(worker->store);
    admin_free(worker->admin);
    control_free(worker->control);
    ingest_free(worker->ingest);
    window_free(worker->window);
    live_free(worker->live);
    session_table_free(worker->sessions);
}

/* What hangs (a database that does not answer) is left to the kernel; nobody was told that any of
 * it is stored. */
static void give_up(const struct worker *worker)
{
    log_warning("worker", "gave up draining unanswered=%u", ingest_pending(worker->ingest));
    _exit(EXIT_SUCCESS);
}

static void on_tick(uv_timer_t *tick)
{
    struct worker *worker = tick->data;
    uint64_t now = uv_now(&worker->loop);
    bool is_late = worker->deadline_ms != 0 && now >= worker->deadline_ms;
    bool is_answered = ingest_pending(worker->ingest) == 0;
    bool is_idle = is_answered && !reconcile_is_pending(worker->reconciles);
    switch (worker->phase) {
    case STARTING:
        window_tidy(worker->window);
        if (shards_is_ready(worker->store) && control_db_is_loaded(worker->control_db))
            enter(worker, SERVING);
        else if (now - worker->phase_ms > ALONE_MS_MAX)
            listen_once(worker);
        return;
    case SERVING:
        live_tidy(worker->live);
        window_tidy(worker->window);
        reconcile_tidy(worker->reconciles);
        return;
    case FINISHING:
        if (ingest_answered(worker->ingest) >= worker->owed || is_late ||
            now - worker->phase_ms > INGEST_MS_MAX)
            enter(worker, PARTING);
        return;
    case PARTING:
        if (!worker->parted && !is_late)
            return;
        server_free(worker->server);
        enter(worker, SETTLING);
        return;
    case SETTLING:
        if (is_idle)
            end(worker);
        else if (is_late)
            give_up(worker);
        return;
    }
}

static void on_terminate(uv_signal_t *terminate, int number)
{
    struct worker *worker = terminate->data;
    (void)number;
    if (worker->phase == STARTING)
        close(worker->setup->ready_fd);
    if (worker->phase < FINISHING)
        enter(worker, FINISHING);
}

static void wire_store(struct worker *worker)
{
    const struct config *config = worker->setup->config;
    struct err err;
    bool is_good =
        retention_parse(&worker->retention, config->retention_s, config->retention_kinds, &err);
    assert(is_good); /* config_check has read it */
    struct shards_setup store = {.first = worker->setup->shard,
                                 .readers = (uint32_t)config->database_readers,
                                 .on_foreign = on_foreign,
                                 .on_purged = on_purged,
                                 .on_caught_up = on_caught_up,
                                 .on_fetch = on_fetch,
                                 .owner = worker,
                                 .retention = &worker->retention};
    worker->sessions = session_table_new((size_t)config->outbox_bytes_max);
    worker->live = live_new();
    worker->store = shards_new(&worker->loop, &store);
    const struct window_setup window = {
        .bytes_max = (size_t)(config->window_bytes_max / config_processes(config)),
        .store = worker->store};
    worker->window = window_new(&window);
}

static void wire_control(struct worker *worker)
{
    const struct config *config = worker->setup->config;
    struct bytes32 operators[CONFIG_ADMINS_MAX];
    worker->control = control_new(operators, config_admins(config, operators));
    struct control_db_setup control_db = {.shard = worker->setup->shard,
                                          .control = worker->control,
                                          .on_changed = on_changed,
                                          .owner = worker};
    worker->control_db = control_db_new(&worker->loop, &control_db);
    struct admin_setup admin = {.config = config,
                                .control = worker->control,
                                .control_db = worker->control_db,
                                .store = worker->store};
    worker->admin = admin_new(&worker->loop, &admin);
}

static void wire_journeys(struct worker *worker)
{
    const struct config *config = worker->setup->config;
    struct ingest_setup ingest = {.policy = &worker->policy,
                                  .sessions = worker->sessions,
                                  .store = worker->store,
                                  .live = worker->live,
                                  .window = worker->window,
                                  .rules = worker->extra.rules,
                                  .trust = worker->extra.trust,
                                  .plugin = worker->extra.plugin,
                                  .threads = (uint32_t)config_verify_threads(config)};
    struct query_setup query = {.loop = &worker->loop,
                                .window = worker->window,
                                .policy = &worker->policy,
                                .sessions = worker->sessions,
                                .store = worker->store,
                                .search = worker->extra.search,
                                .live = worker->live,
                                .limit_default = config->limit_default,
                                .limit_max = config->limit_max,
                                .count_max = config->count_max};
    worker->policy = policy_of_config(config);
    worker->policy.control = worker->control;
    worker->policy.rules = worker->extra.rules;
    worker->policy.trust = worker->extra.trust;
    worker->ingest = ingest_new(&worker->loop, &ingest);
    worker->query = query_new(&query);
    struct reconcile_setup reconcile = {.policy = &worker->policy,
                                        .sessions = worker->sessions,
                                        .store = worker->store,
                                        .records_max = config->negentropy_records_max,
                                        .message_bytes_max = config->message_bytes_max};
    worker->reconciles = reconcile_desk_new(&worker->loop, &reconcile);
    struct dispatch_setup dispatch = {.ingest = worker->ingest,
                                      .query = worker->query,
                                      .reconciles = worker->reconciles,
                                      .filters_max = config->filters_max,
                                      .message_bytes_max = config->message_bytes_max};
    worker->dispatch = dispatch_new(&dispatch);
}

/* The TLS key may need root; nothing after it does. */
static bool serve_and_drop(struct worker *worker, struct err *err)
{
    const struct worker_setup *setup = worker->setup;
    struct server_setup server = {.config = setup->config,
                                  .sessions = worker->sessions,
                                  .dispatch = worker->dispatch,
                                  .store = worker->store,
                                  .admin = worker->admin,
                                  .control = worker->control,
                                  .socket = setup->socket};
    struct drop drop;
    worker->server = server_new(&worker->loop, &server, err);
    if (worker->server == NULL || !drop_find(&drop, setup->config->user, err) ||
        !drop_for_good(&drop, err))
        return false;
    /* the change of user has cleared it */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != setup->parent)
        return err_set(err, ERR_INTERNAL, "the parent is gone");
    return true;
}

/* libuv's pool, which also connects to the database, and that blocks. */
static void size_pool(const struct config *config)
{
    char threads[16];
    int64_t standbys = config->database_read[0] != '\0' ? config->database_readers + 1 : 0;
    snprintf(threads, sizeof threads, "%d",
             (int)(config_verify_threads(config) + config->database_readers + standbys +
                   STORE_CONNECTIONS));
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    setenv("UV_THREADPOOL_SIZE", threads, 1);
}

static void begin(struct worker *worker)
{
    size_pool(worker->setup->config);
    metrics_use(worker->setup->number);
    talkers_use(worker->setup->number);
    if (uv_loop_init(&worker->loop) != 0)
        abort();
    uv_timer_init(&worker->loop, &worker->tick);
    uv_signal_init(&worker->loop, &worker->terminate);
    worker->tick.data = worker->terminate.data = worker;
    uv_signal_start(&worker->terminate, on_terminate, SIGTERM);
}

int worker_run(const struct worker_setup *setup)
{
    struct worker worker = {.setup = setup};
    struct err err;

    begin(&worker);
    wire_store(&worker);
    wire_control(&worker);
    bool is_good = worker_extra_open(&worker.extra, &worker.loop, setup, worker.store, &err);
    if (is_good)
        wire_journeys(&worker);
    if (!is_good || !serve_and_drop(&worker, &err)) {
        log_error("worker", "%s", err.text);
        _exit(WORKER_CANNOT_SERVE); /* pool threads may be connecting: nothing is freed */
    }
    enter(&worker, STARTING);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&worker.loop);
    if (left != 0) {
        log_error("worker", "handles left open: %s", uv_strerror(left));
        uv_print_all_handles(&worker.loop, stderr);
        return EXIT_FAILURE;
    }
    uv_library_shutdown();
    return EXIT_SUCCESS;
}
