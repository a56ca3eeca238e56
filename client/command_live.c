#include "client/command_live.h"

#include <signal.h>
#include <stdlib.h>

#include "client/catalog.h"
#include "client/command_net.h"
#include "client/tail.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/sig.h"

enum { SIGNALS = 3 };

/* One relay. */
struct source {
    struct waiting *waiting;
    struct link *link;
    bool is_told; /* that it is not there */
};

struct waiting {
    const struct live *live;
    struct net net;
    struct source *sources;
    uv_signal_t signals[SIGNALS];
    struct tail *tail; /* NULL: it is over */
    enum command_status status;
};

static void end(struct waiting *waiting, enum command_status status)
{
    if (waiting->tail == NULL)
        return;
    waiting->status = status;
    tail_free(waiting->tail);
    waiting->tail = NULL;
    for (size_t i = 0; i < waiting->live->stop_count; i++)
        if (waiting->sources[i].link != NULL)
            link_free(waiting->sources[i].link);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&waiting->signals[i], NULL);
    uv_stop(&waiting->net.loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    end(handle->data, COMMAND_DONE);
}

/* ---- the store ---- */

static void on_came(void *owner, const struct catalog_event *event)
{
    struct waiting *waiting = owner;
    if (!waiting->live->came(waiting->live->owner, event))
        end(waiting, COMMAND_FAILED);
}

static void on_failed(void *owner, const struct err *err)
{
    struct waiting *waiting = owner;
    end(waiting, command_fail(waiting->live->call, err));
}

/* ---- relays ---- */

/* Into the store, which tells whoever looks. */
static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct source *source = owner;
    struct waiting *waiting = source->waiting;
    const struct event *event = &message->event;
    enum store_verdict verdict;
    struct err err;
    (void)query;
    (void)arena;
    if (waiting->tail == NULL)
        return;
    if (message->type == MESSAGE_CLOSED)
        net_say(&waiting->net, link_url(source->link), message->note);
    if (message->type != MESSAGE_EVENT || !event_check_id(event) ||
        !sig_verify(&event->sig, &event->id, &event->pubkey))
        return;
    if (!store_advance(waiting->live->store, home_now(), &err) ||
        !store_put(waiting->live->store, &verdict, event, NULL, 0, &err))
        end(waiting, command_fail(waiting->live->call, &err));
}

static void on_opened(void *owner, struct link *link)
{
    struct source *source = owner;
    (void)link;
    source->is_told = false;
}

/* Once, however often it is tried again. */
static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct source *source = owner;
    (void)wait_ms;
    if (!source->is_told)
        net_say(&source->waiting->net, link_url(link), command_span(why));
    source->is_told = true;
}

static void on_challenged(void *owner, struct link *link)
{
    struct source *source = owner;
    net_answer(&source->waiting->net, link);
}

static bool ask(struct waiting *waiting, struct source *source, const struct live_stop *stop,
                struct err *err)
{
    const struct link_setup setup = {.url = stop->url,
                                     .opened = on_opened,
                                     .closed = on_closed,
                                     .challenged = on_challenged,
                                     .owner = source};
    const struct link_query_setup query = {.ask = LINK_REQ,
                                           .filters = stop->filters,
                                           .filter_count = stop->filter_count,
                                           .heard = on_heard,
                                           .owner = source};
    source->waiting = waiting;
    source->link = link_new(waiting->net.host, &setup, err);
    if (source->link == NULL)
        return false;
    link_ask(source->link, &query);
    return true;
}

/* ---- all ---- */

static bool open_tail(struct waiting *waiting, struct err *err)
{
    const struct live *live = waiting->live;
    char folder[STORE_PATH_MAX];
    if (!store_folder(folder, command_value(live->call, "home"), err))
        return false;
    const struct tail_setup setup = {.loop = &waiting->net.loop,
                                     .store = live->store,
                                     .folder = folder,
                                     .now_ms = home_now,
                                     .came = on_came,
                                     .failed = on_failed,
                                     .owner = waiting};
    waiting->tail = tail_new(&setup, err);
    return waiting->tail != NULL;
}

static void await_signals(struct waiting *waiting)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&waiting->net.loop, &waiting->signals[i]);
        waiting->signals[i].data = waiting;
        uv_signal_start(&waiting->signals[i], on_signal, numbers[i]);
    }
}

/* Nobody writes between what is there and what comes. */
static bool begin(struct waiting *waiting, bool *is_shown, struct err *err)
{
    const struct live *live = waiting->live;
    if (!store_begin(live->store, err))
        return false;
    if (!open_tail(waiting, err)) {
        store_rollback(live->store);
        return false;
    }
    await_signals(waiting);
    *is_shown = live->begin(live->owner);
    if (store_commit(live->store, err))
        return true;
    end(waiting, COMMAND_FAILED);
    return false;
}

static enum command_status wait(struct waiting *waiting)
{
    const struct live *live = waiting->live;
    bool is_shown;
    struct err err;
    if (!begin(waiting, &is_shown, &err))
        return command_fail(live->call, &err);
    if (!is_shown)
        end(waiting, COMMAND_FAILED);
    for (size_t i = 0; i < live->stop_count && waiting->tail != NULL; i++)
        if (!ask(waiting, &waiting->sources[i], &live->stops[i], &err))
            net_say(&waiting->net, "a relay", command_span(err.text));
    if (waiting->tail != NULL)
        uv_run(&waiting->net.loop, UV_RUN_DEFAULT);
    return waiting->status;
}

enum command_status live_run(const struct live *live)
{
    struct waiting waiting = {.live = live};
    enum command_status status = net_open(&waiting.net, live->call);
    waiting.sources = calloc(live->stop_count + 1, sizeof *waiting.sources);
    if (waiting.sources == NULL)
        abort();
    if (status == COMMAND_DONE)
        status = wait(&waiting);
    net_close(&waiting.net);
    free(waiting.sources);
    return status;
}
