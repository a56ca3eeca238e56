#include "relay/transfer_sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/config.h"
#include "relay/log.h"
#include "relay/remote.h"
#include "relay/shards.h"
#include "relay/transfer.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/message.h"
#include "shared/negentropy.h"

enum {
    LOOK_MS = 20,
    FAILURES_MAX = 6,       /* of a connection on which nothing was heard, in a row, */
    FIRST_FAILURES_MAX = 3, /* before anything was heard at all */
    SILENT_MS_MAX = 60000,  /* while something is asked for */
    BUSY_MS = 1000,
    MESSAGE_BYTES_MAX = 4 << 20, /* at least: others have other bounds */
    REFUSALS_SHOWN = 20,
};

/* ---- the run ---- */

void sync_end(struct sync *sync, const char *failure)
{
    if (sync->is_over)
        return;
    sync->is_over = true;
    sync->failure = failure;
}

bool sync_is_busy(const struct sync *sync)
{
    return uv_now(&sync->transfer.loop) < sync->busy_until_ms;
}

void sync_wait(struct sync *sync)
{
    sync->busy_until_ms = uv_now(&sync->transfer.loop) + BUSY_MS;
}

void sync_take(struct sync *sync, struct arena *arena, const struct event *event)
{
    intake_add(sync->intake, arena, event, sync->options->url, NULL);
    if (intake_is_full(sync->intake))
        remote_pause(sync->remote, true);
}

static int64_t moved(const struct sync *sync)
{
    int64_t count = 0;
    for (size_t i = 0; i < INTAKE_FATES; i++)
        count += sync->fates[i];
    for (size_t i = 0; i < PUSH_FATES; i++)
        count += sync->pushed[i];
    return count;
}

static void show(struct sync *sync)
{
    bool is_known = sync->stage == SYNC_MOVING;
    sync->progress.bytes_total = is_known ? (int64_t)(sync->need.count + sync->have.count) : 0;
    progress_show(&sync->progress, moved(sync), moved(sync));
}

static void complain(struct sync *sync, const struct bytes32 *id, const char *what,
                     struct span note)
{
    char hex[65] = "";
    int64_t count = sync->fates[INTAKE_REFUSED] + sync->pushed[PUSH_REFUSED];
    if (count > REFUSALS_SHOWN)
        return;
    hex_encode(hex, id->at, sizeof id->at);
    progress_clear(&sync->progress);
    fprintf(stderr, "%s %s: ", hex, what);
    for (size_t i = 0; i < note.len && i < 120; i++) /* the other side's words */
        fputc(note.at[i] >= ' ' && note.at[i] < 0x7f ? note.at[i] : '?', stderr);
    fputs(count == REFUSALS_SHOWN ? "\n(no more of these are shown)\n" : "\n", stderr);
}

static void on_settled(void *owner, void *tag, const struct event *event, enum intake_fate fate,
                       const struct err *why)
{
    struct sync *sync = owner;
    (void)tag;
    sync->fates[fate]++;
    if (fate == INTAKE_NEW)
        transfer_saw(&sync->transfer, event);
    if (fate == INTAKE_REFUSED)
        complain(sync, &event->id, "refused", (struct span){why->text, strlen(why->text)});
    if (fate == INTAKE_FAILED)
        sync_end(sync, "the database failed");
}

static void on_intake_drained(void *owner)
{
    struct sync *sync = owner;
    if (sync->is_over)
        return;
    remote_pause(sync->remote, false);
    fetch_go_on(sync);
}

static void on_pushed(void *owner, const struct bytes32 *id, enum push_fate fate, struct span note)
{
    struct sync *sync = owner;
    sync->pushed[fate]++;
    if (fate == PUSH_REFUSED)
        complain(sync, id, "not taken there", note);
}

static void on_push_drained(void *owner)
{
    offer_go_on(owner);
}

/* ---- the connection ---- */

static void on_opened(void *owner)
{
    struct sync *sync = owner;
    sync->heard_ms = uv_now(&sync->transfer.loop);
    differ_open(sync);
    push_opened(sync->push);
    fetch_go_on(sync);
}

static void on_closed(void *owner, const char *why)
{
    struct sync *sync = owner;
    log_info("sync", "disconnected: %s", why);
    push_closed(sync->push);
    fetch_close(sync);
    sync->asked_ms = 0;
    if (++sync->failures < (sync->is_heard ? FAILURES_MAX : FIRST_FAILURES_MAX))
        return;
    snprintf(sync->why, sizeof sync->why, "%s", why);
    sync_end(sync, sync->why);
}

static void on_heard(void *owner, struct span text)
{
    struct sync *sync = owner;
    struct arena arena = {0};
    struct message message;
    struct err err;
    if (sync->is_over)
        return;
    sync->heard_ms = uv_now(&sync->transfer.loop);
    if (!message_parse_relay(&message, &arena, arena_copy(&arena, text), &err)) {
        sync->unasked++;
        log_debug("sync", "unreadable: %s", err.text);
        arena_clear(&arena);
        return;
    }
    if (message.type != MESSAGE_AUTH && message.type != MESSAGE_NOTICE) {
        sync->failures = 0;
        sync->is_heard = true;
    }
    if (message.type == MESSAGE_OK)
        push_heard_ok(sync->push, &message);
    else if (!fetch_hear(sync, &arena, &message))
        differ_hear(sync, &arena, &message);
    arena_clear(&arena);
    offer_go_on(sync);
}

static void on_drained(void *owner)
{
    (void)owner;
}

static void on_look(uv_timer_t *timer)
{
    struct sync *sync = timer->data;
    show(sync);
    if (!sync->is_over) {
        differ_look(sync);
        fetch_go_on(sync);
        offer_go_on(sync);
        bool is_moved = sync->stage == SYNC_MOVING && fetch_is_done(sync) && offer_is_done(sync);
        if (is_moved)
            sync_end(sync, NULL);
        else if (remote_is_open(sync->remote) && intake_pending(sync->intake) == 0 &&
                 uv_now(timer->loop) - sync->heard_ms > SILENT_MS_MAX)
            remote_restart(sync->remote, "it is silent");
    }
    if (sync->is_over && intake_pending(sync->intake) == 0)
        uv_stop(timer->loop);
}

/* ---- what is here ---- */

static void on_page(void *owner, const struct store_page *page)
{
    struct sync *sync = owner;
    struct err err;
    if (page == NULL) {
        sync_end(sync, "the database failed");
        return;
    }
    if (!records_take(&sync->records, page, NULL, &err)) {
        sync_end(sync, "too many events match; name a part of them by a filter");
        return;
    }
    const struct store_read next = records_read(&sync->records, on_page, sync);
    if (!sync->records.is_whole) {
        if (!shards_read(sync->transfer.store, &next, NULL))
            sync_end(sync, "the database failed");
        return;
    }
    sync->records.count = negentropy_seal(sync->records.at, sync->records.count);
    sync->is_collected = true;
    differ_open(sync);
}

static void collect(struct sync *sync)
{
    sync->budget =
        (struct records_budget){.each_max = SYNC_IDS_MAX, .all_max = INT64_C(2) * SYNC_IDS_MAX};
    records_begin(&sync->records, &sync->budget, &sync->filter);
    const struct store_page nothing = {.finished = true};
    const struct store_read first = records_read(&sync->records, on_page, sync);
    if (sync->records.is_whole)
        on_page(sync, &nothing);
    else if (!shards_read(sync->transfer.store, &first, NULL))
        sync_end(sync, "the database failed");
}

/* ---- begin and end ---- */

static bool parse_options(struct sync *sync, struct err *err)
{
    const struct transfer_sync *options = sync->options;
    const char *text = options->filter != NULL ? options->filter : "{}";
    struct err why;
    if (options->url == NULL)
        return err_set(err, ERR_INVALID, "sync: expected the URL of a relay");
    if (!url_parse(&sync->url, (struct span){options->url, strlen(options->url)}, &why))
        return err_set(err, ERR_INVALID, "%.60s: %s", options->url, why.text);
    if (!filter_parse(&sync->filter, &sync->arena, (struct span){text, strlen(text)}, &why))
        return err_set(err, ERR_INVALID, "filter: %s", why.text);
    return true;
}

static void open_parts(struct sync *sync, const struct config *config)
{
    uv_loop_t *loop = &sync->transfer.loop;
    size_t own_max = 2 * (size_t)config->message_bytes_max;
    const struct intake_setup intake = {.store = sync->transfer.store,
                                        .policy = &sync->transfer.policy,
                                        .plugin = sync->transfer.plugin,
                                        .source_type = "Sync",
                                        .settled = on_settled,
                                        .drained = on_intake_drained,
                                        .owner = sync};
    const struct remote_setup remote = {
        .url = &sync->url,
        .message_bytes_max = own_max > MESSAGE_BYTES_MAX ? own_max : MESSAGE_BYTES_MAX,
        .opened = on_opened,
        .heard = on_heard,
        .drained = on_drained,
        .closed = on_closed,
        .owner = sync};
    sync->intake = intake_new(loop, &intake);
    sync->remote = remote_new(sync->host, &remote);
    const struct push_setup push = {
        .remote = sync->remote, .settled = on_pushed, .drained = on_push_drained, .owner = sync};
    sync->push = push_new(loop, &push);
    uv_timer_init(loop, &sync->look);
    sync->look.data = sync;
    uv_timer_start(&sync->look, on_look, LOOK_MS, LOOK_MS);
}

static void close_parts(struct sync *sync)
{
    shards_forget(sync->transfer.store, sync);
    uv_close((uv_handle_t *)&sync->look, NULL);
    push_free(sync->push);
    remote_free(sync->remote);
    remote_host_free(sync->host);
    intake_free(sync->intake);
    records_clear(&sync->records);
    free(sync->is_theirs);
    free(sync->need.at);
    free(sync->have.at);
}

static void on_interrupted(void *owner)
{
    sync_end(owner, "interrupted");
}

static void print_json(const struct sync *sync)
{
    const int64_t *fates = sync->fates, *pushed = sync->pushed;
    struct text url = {0};
    text_add_json(&url, (struct span){sync->options->url, strlen(sync->options->url)});
    printf("{\"url\":%.*s,\"complete\":%s,\"negentropy\":%s,\"here\":%zu,\"new\":%" PRId64
           ",\"known\":%" PRId64 ",\"older\":%" PRId64 ",\"deleted\":%" PRId64
           ",\"left_out\":%" PRId64 ",\"refused\":%" PRId64 ",\"missing\":%" PRId64
           ",\"sent\":%" PRId64 ",\"sent_known\":%" PRId64 ",\"sent_refused\":%" PRId64
           ",\"kept_back\":%" PRId64 "}\n",
           SPAN_ARG(url), sync->failure == NULL ? "true" : "false",
           sync->is_answered && sync->is_theirs == NULL ? "true" : "false", sync->records.count,
           fates[INTAKE_NEW], fates[INTAKE_KNOWN], fates[INTAKE_OLDER], fates[INTAKE_DELETED],
           fates[INTAKE_LEFT_OUT], fates[INTAKE_REFUSED], sync->missing, pushed[PUSH_TAKEN],
           pushed[PUSH_KNOWN], pushed[PUSH_REFUSED], sync->kept_back);
    text_clear(&url);
}

static void print_summary(const struct sync *sync)
{
    const int64_t *fates = sync->fates, *pushed = sync->pushed;
    if (sync->down)
        fprintf(stderr,
                "received %" PRId64 " new, %" PRId64 " known, %" PRId64 " older, %" PRId64
                " deleted, %" PRId64 " left out, %" PRId64 " refused\n",
                fates[INTAKE_NEW], fates[INTAKE_KNOWN], fates[INTAKE_OLDER], fates[INTAKE_DELETED],
                fates[INTAKE_LEFT_OUT], fates[INTAKE_REFUSED]);
    if (sync->missing > 0)
        fprintf(stderr, "%" PRId64 " were not to be had\n", sync->missing);
    if (sync->up)
        fprintf(stderr,
                "sent %" PRId64 " new, %" PRId64 " known, %" PRId64 " refused, %" PRId64
                " kept back\n",
                pushed[PUSH_TAKEN], pushed[PUSH_KNOWN], pushed[PUSH_REFUSED], sync->kept_back);
}

static int print_end(struct sync *sync)
{
    progress_clear(&sync->progress);
    if (sync->options->json)
        print_json(sync);
    else
        print_summary(sync);
    if (sync->transfer.interrupted) {
        fputs("interrupted; what is missing is found again by the next sync\n", stderr);
        return TRANSFER_EXIT_INTERRUPTED;
    }
    if (sync->failure != NULL) {
        fprintf(stderr, "shoal-relay: %s: %s\n", sync->options->url, sync->failure);
        return EXIT_FAILURE;
    }
    bool is_whole = sync->fates[INTAKE_REFUSED] == 0 && sync->pushed[PUSH_REFUSED] == 0;
    return is_whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct sync *sync, const struct config *config)
{
    struct err err;
    if (transfer_open_policy(&sync->transfer, &err))
        sync->host = remote_host_new(&sync->transfer.loop, &err);
    if (sync->host == NULL) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        transfer_close(&sync->transfer);
        return EXIT_FAILURE;
    }
    open_parts(sync, config);
    progress_start(&sync->progress, "synced", 0);
    sync->transfer.on_interrupted = on_interrupted;
    sync->transfer.owner = sync;
    collect(sync);
    uv_run(&sync->transfer.loop, UV_RUN_DEFAULT);
    sync->transfer.on_interrupted = NULL;
    int status = print_end(sync);
    close_parts(sync);
    transfer_close(&sync->transfer);
    return status;
}

int transfer_sync(const struct config *config, const struct transfer_sync *options)
{
    struct sync *sync = calloc(1, sizeof *sync);
    struct err err;
    int status = EXIT_FAILURE;
    if (sync == NULL)
        abort();
    sync->options = options;
    sync->down = options->down || !options->up;
    sync->up = options->up || !options->down;
    if (!parse_options(sync, &err)) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        status = TRANSFER_EXIT_USAGE;
    } else if (!transfer_open(&sync->transfer, config, (uint32_t)config_verify_threads(config) + 1,
                              &err)) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        status = sync->transfer.interrupted ? TRANSFER_EXIT_INTERRUPTED : EXIT_FAILURE;
    } else {
        status = run(sync, config);
    }
    arena_clear(&sync->arena);
    free(sync);
    return status;
}
