#include "client/tail.h"

#include <stdlib.h>
#include <uv.h>

#include "client/catalog_since.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"

enum { AT_ONCE = 200 };

struct tail {
    struct tail_setup setup;
    uv_fs_event_t watch;
    int64_t place; /* in the log: all up to there was told */
    bool is_looking, is_freed;
};

static void fail(struct tail *tail, const struct err *err)
{
    uv_fs_event_stop(&tail->watch);
    tail->setup.failed(tail->setup.owner, err);
}

/* False: nothing is left, or nobody wants it. */
static bool tell_some(struct tail *tail)
{
    const struct tail_setup *setup = &tail->setup;
    struct arena arena = {0};
    struct catalog_events events;
    struct err err;
    if (!store_advance(setup->store, setup->now_ms(), &err) ||
        !catalog_since(setup->store, &events, &arena, &tail->place, AT_ONCE, &err)) {
        fail(tail, &err);
        events.count = 0;
    }
    for (size_t i = 0; i < events.count && !tail->is_freed; i++)
        setup->came(setup->owner, &events.at[i]);
    arena_clear(&arena);
    return events.count > 0 && !tail->is_freed;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_handle(struct tail *tail)
{
    uv_close((uv_handle_t *)&tail->watch, on_closed);
}

void tail_look(struct tail *tail)
{
    if (tail->is_looking) /* who is told writes, which is told next */
        return;
    tail->is_looking = true;
    while (tell_some(tail))
        ;
    tail->is_looking = false;
    if (tail->is_freed)
        close_handle(tail);
}

static void on_touched(uv_fs_event_t *watch, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status; /* of a watch that fails, what is there is told all the same */
    tail_look(watch->data);
}

struct tail *tail_new(const struct tail_setup *setup, struct err *err)
{
    char path[STORE_PATH_MAX];
    struct tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL)
        abort();
    tail->setup = *setup;
    uv_fs_event_init(setup->loop, &tail->watch);
    tail->watch.data = tail;
    int code = store_lock_path(path, setup->folder, err)
                   ? uv_fs_event_start(&tail->watch, on_touched, path, 0)
                   : UV_ENAMETOOLONG;
    if (code == 0 && catalog_place(setup->store, &tail->place, err))
        return tail;
    if (code != 0)
        err_fill(err, ERR_INTERNAL, "cannot watch the store: %s", uv_strerror(code));
    close_handle(tail);
    return NULL;
}

void tail_free(struct tail *tail)
{
    tail->is_freed = true;
    if (!tail->is_looking)
        close_handle(tail);
}
