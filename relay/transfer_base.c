#include "relay/transfer_base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/cluster.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/control_db.h"
#include "relay/log.h"
#include "relay/route.h"
#include "relay/shards.h"
#include "shared/err.h"

enum { READY_MS_MAX = 10000, LOOK_MS = 10, STORE_CONNECTIONS = 2 };

static void on_signal(uv_signal_t *signal, int number)
{
    struct transfer *transfer = signal->data;
    (void)number;
    if (transfer->interrupted) /* again: what is under way may hang */
        _exit(TRANSFER_EXIT_INTERRUPTED);
    transfer->interrupted = true;
    if (transfer->on_interrupted != NULL)
        transfer->on_interrupted(transfer->owner);
}

static void on_foreign(void *owner, const struct event *event)
{
    struct transfer *transfer = owner;
    if (transfer->on_foreign != NULL)
        transfer->on_foreign(transfer->owner, event);
}

void transfer_leave(struct transfer *transfer)
{
    if (transfer->cluster != NULL)
        cluster_stop(transfer->cluster);
    transfer->cluster = NULL;
}

bool transfer_find(struct transfer *transfer, const struct config *config, struct err *err)
{
    bool is_refused;
    *transfer = (struct transfer){.config = config};
    const char *conninfo = config->database;
    if (conninfo[0] == '\0') {
        if (cluster_find(transfer->conninfo, sizeof transfer->conninfo, config))
            conninfo = transfer->conninfo;
        else {
            transfer->cluster = cluster_start(config, err);
            if (transfer->cluster == NULL)
                return false;
            conninfo = cluster_conninfo(transfer->cluster);
        }
    }
    transfer->shard = (struct shard){.conninfo = conninfo, .schema = config->schema};
    if (route_migrate(&transfer->shard, &is_refused, err))
        return true;
    transfer_leave(transfer);
    return false;
}

static void open_loop(struct transfer *transfer, uint32_t threads)
{
    char count[16];
    snprintf(count, sizeof count, "%d",
             (int)(threads + (uint32_t)transfer->config->database_readers + STORE_CONNECTIONS));
    setenv("UV_THREADPOOL_SIZE", count, 1); // NOLINT(concurrency-mt-unsafe): before any thread
    if (uv_loop_init(&transfer->loop) != 0)
        abort();
    uv_signal_init(&transfer->loop, &transfer->interrupt);
    uv_signal_init(&transfer->loop, &transfer->terminate);
    uv_timer_init(&transfer->loop, &transfer->wait);
    transfer->interrupt.data = transfer->terminate.data = transfer->wait.data = transfer;
    uv_signal_start(&transfer->interrupt, on_signal, SIGINT);
    uv_signal_start(&transfer->terminate, on_signal, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN); /* a reader of ours that ends is noticed by write */

    struct shards_setup store = {.first = &transfer->shard,
                                 .readers = (uint32_t)transfer->config->database_readers,
                                 .on_foreign = on_foreign,
                                 .owner = transfer};
    transfer->store = shards_new(&transfer->loop, &store);
}

static void on_look(uv_timer_t *timer)
{
    struct transfer *transfer = timer->data;
    if (shards_is_ready(transfer->store) || transfer->interrupted)
        uv_stop(&transfer->loop);
}

static bool wait_for_store(struct transfer *transfer, struct err *err)
{
    uint64_t deadline = uv_now(&transfer->loop) + READY_MS_MAX;
    uv_timer_start(&transfer->wait, on_look, 0, LOOK_MS);
    while (!shards_is_ready(transfer->store) && !transfer->interrupted &&
           uv_now(&transfer->loop) < deadline)
        uv_run(&transfer->loop, UV_RUN_ONCE);
    uv_timer_stop(&transfer->wait);
    if (transfer->interrupted)
        return err_set(err, ERR_INTERNAL, "interrupted");
    return shards_is_ready(transfer->store) ||
           err_set(err, ERR_INTERNAL, "the database does not answer");
}

bool transfer_open(struct transfer *transfer, const struct config *config, uint32_t threads,
                   struct err *err)
{
    if (!transfer_find(transfer, config, err))
        return false;
    open_loop(transfer, threads);
    if (wait_for_store(transfer, err))
        return true;
    transfer_close(transfer);
    return false;
}

/* It is asked anew for each event. */
static void on_changed(void *owner, enum control_list list)
{
    (void)owner;
    (void)list;
}

bool transfer_open_control(struct transfer *transfer, struct err *err)
{
    struct bytes32 operators[CONFIG_ADMINS_MAX];
    uint64_t deadline = uv_now(&transfer->loop) + READY_MS_MAX;
    transfer->control = control_new(operators, config_admins(transfer->config, operators));
    const struct control_db_setup setup = {.shard = &transfer->shard,
                                           .control = transfer->control,
                                           .on_changed = on_changed,
                                           .owner = transfer};
    transfer->control_db = control_db_new(&transfer->loop, &setup);
    uv_timer_start(&transfer->wait, on_look, 0, LOOK_MS);
    while (!control_db_is_loaded(transfer->control_db) && !transfer->interrupted &&
           uv_now(&transfer->loop) < deadline)
        uv_run(&transfer->loop, UV_RUN_ONCE);
    uv_timer_stop(&transfer->wait);
    return control_db_is_loaded(transfer->control_db) ||
           err_set(err, ERR_INTERNAL, "the database does not say what the operators decided");
}

void transfer_close(struct transfer *transfer)
{
    if (transfer->control_db != NULL) {
        control_db_free(transfer->control_db);
        control_free(transfer->control);
    }
    shards_free(transfer->store);
    uv_close((uv_handle_t *)&transfer->interrupt, NULL);
    uv_close((uv_handle_t *)&transfer->terminate, NULL);
    uv_close((uv_handle_t *)&transfer->wait, NULL);
    uv_run(&transfer->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&transfer->loop) != 0)
        log_error("transfer", "handles left open");
    transfer_leave(transfer);
}
