#include "relay/router.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "relay/config.h"
#include "relay/intake.h"
#include "relay/log.h"
#include "relay/notify.h"
#include "relay/places.h"
#include "relay/remote.h"
#include "relay/router_file.h"
#include "relay/router_link.h"
#include "relay/shards.h"
#include "relay/transfer_base.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum {
    TICK_MS = 1000,
    WAIT_MS = 10, /* between two looks, while what is loaded or written is waited for */
    MESSAGE_BYTES_MAX = 4 << 20, /* at least: others have other bounds */
    STOP_MS_MAX = 10000,
};

struct router {
    const struct config *config;
    const char *path;
    struct arena arena; /* of file */
    struct router_file file;
    struct transfer transfer;
    struct router_hub hub;
    uv_timer_t tick;
    uv_signal_t reload;
    bool is_running, is_stopping;
    uint64_t stopped_ms;
};

/* ---- the file ---- */

static bool read_text(struct text *text, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%.60s: %s", path, strerrordesc_np(errno));
    char *at = text_reserve(text, ROUTER_FILE_BYTES_MAX + 1);
    text->len = fread(at, 1, ROUTER_FILE_BYTES_MAX + 1, file);
    bool is_read = ferror(file) == 0;
    fclose(file);
    if (!is_read)
        return err_set(err, ERR_INVALID, "%.60s: cannot be read", path);
    if (text->len > ROUTER_FILE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%.60s: is too long", path);
    return true;
}

static bool read_file(struct router_file *file, struct arena *arena, const char *path,
                      struct err *err)
{
    struct text text = {0};
    struct err why;
    bool is_good = read_text(&text, path, &why) &&
                   router_file_parse(file, arena, arena_copy(arena, text_span(&text)), &why);
    text_clear(&text);
    if (!is_good)
        err_fill(err, ERR_INVALID, "%s", why.text);
    return is_good;
}

static bool is_same_filter(const struct filter *a, const struct filter *b)
{
    struct text left = {0}, right = {0};
    filter_write(&left, a);
    filter_write(&right, b);
    bool is_same = span_eq(text_span(&left), text_span(&right));
    text_clear(&left);
    text_clear(&right);
    return is_same;
}

/* The link that keeps this up already, or NULL. */
static struct router_link *find_same(const struct router *router,
                                     const struct router_stream *stream, const struct url *url)
{
    for (struct router_link *link = list_first(&router->hub.links); link != NULL;
         link = list_next(&link->listed))
        if (!link->is_kept && url_equal(link->url, url) &&
            strcmp(link->stream->name, stream->name) == 0 && link->stream->down == stream->down &&
            link->stream->up == stream->up &&
            is_same_filter(&link->stream->filter, &stream->filter))
            return link;
    return NULL;
}

/* Makes the links what the new file says. */
static void apply(struct router *router, const struct router_file *file)
{
    struct router_link *next;
    for (uint32_t i = 0; i < file->count; i++)
        for (uint32_t j = 0; j < file->streams[i].url_count; j++) {
            const struct router_stream *stream = &file->streams[i];
            struct router_link *link = find_same(router, stream, &stream->urls[j]);
            if (link == NULL)
                link = router_link_new(&router->hub, stream, &stream->urls[j]);
            router_link_move(link, stream, &stream->urls[j]);
            link->is_kept = true;
        }
    for (struct router_link *link = list_first(&router->hub.links); link != NULL; link = next) {
        next = list_next(&link->listed);
        if (!link->is_kept)
            router_link_free(link);
        else
            link->is_kept = false;
    }
}

static void on_reload(uv_signal_t *signal, int number)
{
    struct router *router = signal->data;
    struct arena arena = {0};
    struct router_file file;
    struct err err;
    (void)number;
    if (!router->is_running || router->is_stopping)
        return;
    if (!read_file(&file, &arena, router->path, &err) ||
        !transfer_reload_rules(&router->transfer, &err)) {
        log_error("router", "kept what was: %s", err.text);
        arena_clear(&arena);
        return;
    }
    apply(router, &file);
    arena_clear(&router->arena);
    router->arena = arena;
    router->file = file;
    log_info("router", "reloaded streams=%u", file.count);
}

/* ---- events ---- */

static void offer(struct router *router, const struct event *event,
                  const struct router_link *source)
{
    for (struct router_link *link = list_first(&router->hub.links); link != NULL;
         link = list_next(&link->listed))
        router_link_offer(link, event, source);
}

static void on_foreign(void *owner, const struct event *event)
{
    offer(owner, event, NULL);
}

static void on_settled(void *owner, void *tag, const struct event *event, enum intake_fate fate,
                       const struct err *why)
{
    struct router *router = owner;
    struct router_link *link = list_first(&router->hub.links);
    while (link != NULL && link->number != (uint64_t)(uintptr_t)tag)
        link = list_next(&link->listed);
    if (why != NULL)
        log_debug("router", "refused: %s", why->text);
    if (link != NULL)
        router_link_settled(link, fate);
    if (fate != INTAKE_NEW)
        return;
    transfer_saw(&router->transfer, event);
    offer(router, event, link);
}

static void on_intake_drained(void *owner)
{
    struct router *router = owner;
    for (struct router_link *link = list_first(&router->hub.links); link != NULL;
         link = list_next(&link->listed))
        router_link_resume(link);
}

/* ---- life ---- */

static void on_tick(uv_timer_t *timer);

static void stop(void *owner)
{
    struct router *router = owner;
    struct router_link *link;
    router->is_stopping = true;
    router->stopped_ms = uv_now(&router->transfer.loop);
    uv_timer_start(&router->tick, on_tick, 0, WAIT_MS);
    notify_send("STOPPING=1");
    while ((link = list_first(&router->hub.links)) != NULL)
        router_link_free(link);
}

static void begin(struct router *router)
{
    router->is_running = true;
    uv_timer_start(&router->tick, on_tick, TICK_MS, TICK_MS);
    apply(router, &router->file);
    printf("ready streams=%u\n", router->file.count);
    fflush(stdout);
    notify_send("READY=1");
    log_info("router", "ready streams=%u", router->file.count);
}

static void on_tick(uv_timer_t *timer)
{
    struct router *router = timer->data;
    if (router->is_stopping) {
        bool is_done = intake_pending(router->hub.intake) == 0 &&
                       (places_are_written(router->hub.places) ||
                        uv_now(timer->loop) - router->stopped_ms > STOP_MS_MAX);
        if (is_done)
            uv_stop(timer->loop);
        return;
    }
    if (!router->is_running && places_are_loaded(router->hub.places))
        begin(router);
    for (struct router_link *link = list_first(&router->hub.links); link != NULL;
         link = list_next(&link->listed))
        router_link_tick(link, (int64_t)time(NULL));
}

static void open_parts(struct router *router)
{
    uv_loop_t *loop = &router->transfer.loop;
    const struct config *config = router->config;
    size_t own_max = 2 * (size_t)config->message_bytes_max;
    const struct intake_setup intake = {.store = router->transfer.store,
                                        .policy = &router->transfer.policy,
                                        .plugin = router->transfer.plugin,
                                        .source_type = "Stream",
                                        .settled = on_settled,
                                        .drained = on_intake_drained,
                                        .owner = router};
    router->hub.loop = loop;
    router->hub.store = router->transfer.store;
    router->hub.intake = intake_new(loop, &intake);
    router->hub.places = places_new(loop, &router->transfer.shard);
    router->hub.message_bytes_max = own_max > MESSAGE_BYTES_MAX ? own_max : MESSAGE_BYTES_MAX;
    router->transfer.on_interrupted = stop;
    router->transfer.on_foreign = on_foreign;
    router->transfer.owner = router;
    uv_signal_init(loop, &router->reload);
    router->reload.data = router;
    uv_signal_start(&router->reload, on_reload, SIGHUP);
    uv_timer_init(loop, &router->tick);
    router->tick.data = router;
    uv_timer_start(&router->tick, on_tick, 0, WAIT_MS);
}

static void close_parts(struct router *router)
{
    router->transfer.on_interrupted = NULL;
    router->transfer.on_foreign = NULL;
    uv_close((uv_handle_t *)&router->reload, NULL);
    uv_close((uv_handle_t *)&router->tick, NULL);
    places_free(router->hub.places);
    remote_host_free(router->hub.host);
    intake_free(router->hub.intake);
}

static int serve(struct router *router)
{
    struct err err;
    uint32_t threads = (uint32_t)config_verify_threads(router->config) + 2;
    if (!transfer_open(&router->transfer, router->config, threads, &err)) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (transfer_open_policy(&router->transfer, &err))
        router->hub.host = remote_host_new(&router->transfer.loop, &err);
    if (router->hub.host == NULL) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        transfer_close(&router->transfer);
        return EXIT_FAILURE;
    }
    open_parts(router);
    uv_run(&router->transfer.loop, UV_RUN_DEFAULT);
    close_parts(router);
    transfer_close(&router->transfer);
    log_info("router", "ended");
    return EXIT_SUCCESS;
}

int router_run(const struct config *config, const char *path)
{
    struct router *router = calloc(1, sizeof *router);
    struct err err;
    int status = TRANSFER_EXIT_USAGE;
    if (router == NULL)
        abort();
    router->config = config;
    router->path = path;
    if (path == NULL)
        fprintf(stderr, "shoal-relay: router: expected a file that names streams\n");
    else if (!read_file(&router->file, &router->arena, path, &err))
        fprintf(stderr, "shoal-relay: %s\n", err.text);
    else
        status = serve(router);
    arena_clear(&router->arena);
    free(router);
    return status;
}
