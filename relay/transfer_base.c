#include "relay/transfer_base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/cluster.h"
#include "relay/config.h"
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
    transfer_saw(transfer, event);
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

/* Wakes the loop. */
static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

bool transfer_await(struct transfer *transfer, bool (*is_so)(const struct transfer *), uint64_t ms)
{
    uv_update_time(&transfer->loop);
    uint64_t deadline = uv_now(&transfer->loop) + ms;
    uv_timer_start(&transfer->wait, on_look, 0, LOOK_MS);
    while (!is_so(transfer) && !transfer->interrupted && uv_now(&transfer->loop) < deadline)
        uv_run(&transfer->loop, UV_RUN_ONCE);
    uv_timer_stop(&transfer->wait);
    return is_so(transfer);
}

static bool is_store_ready(const struct transfer *transfer)
{
    return shards_is_ready(transfer->store);
}

static bool wait_for_store(struct transfer *transfer, struct err *err)
{
    bool is_ready = transfer_await(transfer, is_store_ready, READY_MS_MAX);
    if (transfer->interrupted)
        return err_set(err, ERR_INTERNAL, "interrupted");
    return is_ready || err_set(err, ERR_INTERNAL, "the database does not answer");
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

void transfer_close(struct transfer *transfer)
{
    transfer_close_policy(transfer);
    shards_free(transfer->store);
    uv_close((uv_handle_t *)&transfer->interrupt, NULL);
    uv_close((uv_handle_t *)&transfer->terminate, NULL);
    uv_close((uv_handle_t *)&transfer->wait, NULL);
    uv_run(&transfer->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&transfer->loop) != 0)
        log_error("transfer", "handles left open");
    transfer_leave(transfer);
}
