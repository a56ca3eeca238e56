/* shoal fetch, push, sync: the store and the relays made equal. */
#include "client/command_sync.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/basket.h"
#include "client/command_home.h"
#include "client/command_sync_parts.h"
#include "client/outbox.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "shared/url.h"

enum { LOOK_MS = 200, REFUSALS_SHOWN = 10 };

/* ---- how far it is ---- */

/* What there is to do is known once the relay has been compared with. */
static void show(struct syncing *syncing)
{
    uint64_t done = 0, all = 0;
    for (size_t i = 0; i < syncing->count; i++) {
        const struct part *part = &syncing->parts[i];
        struct exchange_counts counts =
            part->exchange != NULL ? exchange_counts(part->exchange) : part->counts;
        uint64_t sent = counts.sent + counts.known + counts.refused + counts.later;
        done += counts.sync.fetched + counts.sync.missing + sent;
        uint64_t to_send = counts.sync.lacked + part->queued;
        all += counts.sync.needed + (sent > to_send ? sent : to_send);
    }
    terminal_progress_show(&syncing->progress, done, all,
                           "%llu of %llu events, %zu of %zu relays done", (unsigned long long)done,
                           (unsigned long long)all, syncing->count - syncing->open, syncing->count);
}

/* ---- a relay ---- */

static void end_part(struct part *part, const char *why)
{
    struct syncing *syncing = part->syncing;
    if (part->exchange == NULL)
        return;
    terminal_progress_clear(&syncing->progress);
    if (why != NULL)
        net_say(syncing->net, exchange_url(part->exchange), command_span(why));
    part->counts = exchange_counts(part->exchange);
    part->is_done = why == NULL;
    exchange_free(part->exchange);
    part->exchange = NULL;
    if (--syncing->open == 0) {
        uv_close((uv_handle_t *)&syncing->look, NULL);
        uv_stop(&syncing->net->loop);
    }
}

static void on_over(void *owner, struct exchange *exchange, const char *why)
{
    (void)exchange;
    end_part(owner, why);
}

static void on_refused(void *owner, struct exchange *exchange, const struct bytes32 *id,
                       struct span why)
{
    struct part *part = owner;
    struct text words = {0};
    if (++part->syncing->refusals > REFUSALS_SHOWN)
        return;
    text_add_hex(&words, id->at, sizeof id->at);
    text_add(&words, SPAN(": "));
    text_add(&words, why);
    terminal_progress_clear(&part->syncing->progress);
    net_say(part->syncing->net, exchange_url(exchange), text_span(&words));
    text_clear(&words);
}

static void on_challenged(void *owner, struct link *link)
{
    struct part *part = owner;
    net_answer(part->syncing->net, link);
}

static void on_look(uv_timer_t *timer)
{
    struct syncing *syncing = timer->data;
    uint64_t most_ms = (uint64_t)syncing->net->timeout_s * 1000;
    for (size_t i = 0; i < syncing->count; i++) {
        struct part *part = &syncing->parts[i];
        uint64_t heard = part->exchange != NULL ? exchange_heard(part->exchange) : 0;
        if (heard != part->heard)
            part->heard_ms = uv_now(timer->loop);
        part->heard = heard;
        if (most_ms > 0 && uv_now(timer->loop) - part->heard_ms > most_ms)
            end_part(part, "nothing was heard for too long");
    }
    if (syncing->open > 0)
        show(syncing);
}

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

/* What a push sends. */
static bool count_queued(struct part *part, struct err *err)
{
    struct arena arena = {0};
    struct outbox_rows rows = {0};
    const struct outbox_turn turn = {.relay = part->url, .now_ms = INT64_MAX, .max = SIZE_MAX / 2};
    bool ok = outbox_due(part->syncing->store, &rows, &arena, &turn, err);
    part->queued = rows.count;
    arena_clear(&arena);
    return ok;
}

static bool open_part(struct part *part, struct err *err)
{
    struct syncing *syncing = part->syncing;
    const struct exchange_setup setup = {
        .host = syncing->net->host,
        .store = syncing->store,
        .basket = syncing->basket,
        .url = part->url,
        .pushes = syncing->pushes && !syncing->is_trial && !part->is_authors,
        .filters = part->filters,
        .filter_count = part->filter_count,
        .down = syncing->down || syncing->seeks,
        .up = syncing->up && !part->is_authors,
        .is_trial = syncing->is_trial,
        .never_reconciles = command_value(syncing->net->call, "pages") != NULL,
        .begins_anew = command_value(syncing->net->call, "anew") != NULL,
        .random = any_number,
        .challenged = on_challenged,
        .refused = on_refused,
        .over = on_over,
        .owner = part,
    };
    if ((syncing->is_trial || (setup.pushes && syncing->progress.is_seen)) &&
        !count_queued(part, err))
        return false;
    part->exchange = exchange_new(&setup, err);
    return part->exchange != NULL;
}

/* ---- the run ---- */

/* Yours, and all that something is queued for. */
static bool find_all(struct syncing *syncing, struct err *err)
{
    struct arena *arena = &syncing->arena;
    return store_relays(syncing->store, &syncing->urls, &syncing->url_count, arena, err) &&
           (!syncing->pushes ||
            outbox_relays(syncing->store, &syncing->others, &syncing->other_count, arena, err));
}

static bool find_relays(struct syncing *syncing, struct err *err)
{
    const struct command_call *call = syncing->net->call;
    if (call->word_count == 0 && !find_all(syncing, err))
        return false;
    for (size_t i = 0; i < call->word_count; i++) {
        syncing->urls = arena_grow(&syncing->arena, struct span, syncing->urls, i);
        syncing->urls[i] = command_span(call->words[i]);
        syncing->url_count = i + 1;
    }
    return syncing->url_count + syncing->stop_count + syncing->other_count > 0 ||
           err_set(err, ERR_INVALID, "no relays: name some, or use one by shoal remote add");
}

/* The authors' relays, unless ours are to do, or some are named. */
static bool find_stops(struct syncing *syncing, struct err *err)
{
    const struct command_call *call = syncing->net->call;
    bool is_wanted = call->word_count == 0 || command_value(call, "outbox") != NULL;
    return !is_wanted || command_value(call, "no-outbox") != NULL ||
           scope_route(&syncing->stops, &syncing->stop_count, &syncing->arena, &syncing->scope,
                       syncing->store, err);
}

static bool read_scope(struct syncing *syncing, struct err *err)
{
    if (!scope_read(&syncing->scope, &syncing->arena, syncing->net->call, syncing->store, err))
        return false;
    if (syncing->scope.count == 0 && !syncing->pushes)
        return err_set(err, ERR_INVALID,
                       "nothing is here yet: say what, by --author, --entity, --filter or --all");
    return find_stops(syncing, err);
}

static bool find_scope(struct syncing *syncing, struct err *err)
{
    if ((syncing->down || syncing->up) && !read_scope(syncing, err))
        return false;
    return !syncing->pushes || syncing->is_trial || syncing->net->call->word_count > 0 ||
           sync_seek(syncing, err);
}
static bool is_ours(const struct syncing *syncing, struct span text)
{
    struct url ours, theirs;
    for (size_t i = 0; i < syncing->url_count; i++)
        if (url_parse(&ours, syncing->urls[i], NULL) && url_parse(&theirs, text, NULL) &&
            url_equal(&ours, &theirs))
            return true;
    return false;
}

/* Of relays that are none of yours only what is queued for them matters. */
static void list_others(struct syncing *syncing, const struct part *part)
{
    for (size_t i = 0; i < syncing->other_count; i++)
        if (!is_ours(syncing, syncing->others[i])) {
            struct part *next = &syncing->parts[syncing->count++];
            *next = *part;
            next->url = syncing->others[i];
        }
}

static void list_parts(struct syncing *syncing)
{
    const struct part part = {.syncing = syncing, .heard_ms = uv_now(&syncing->net->loop)};
    syncing->parts = arena_array(&syncing->arena, struct part,
                                 syncing->url_count + syncing->stop_count + syncing->other_count);
    list_others(syncing, &part);
    for (size_t i = 0; i < syncing->url_count; i++) {
        struct part *next = &syncing->parts[syncing->count++];
        *next = part;
        next->url = syncing->urls[i];
        next->filters = syncing->scope.filters;
        next->filter_count = syncing->scope.count;
    }
    for (size_t i = 0; i < syncing->stop_count; i++) {
        if (is_ours(syncing, syncing->stops[i].url))
            continue;
        struct part *next = &syncing->parts[syncing->count++];
        *next = part;
        next->url = syncing->stops[i].url;
        next->filters = &syncing->stops[i].filter;
        next->filter_count = 1;
        next->is_authors = true;
    }
}

static bool open_parts(struct syncing *syncing, struct err *err)
{
    list_parts(syncing);
    syncing->basket = basket_new(&syncing->net->loop, syncing->store);
    for (size_t i = 0; i < syncing->count; i++) {
        if (!open_part(&syncing->parts[i], err)) {
            while (i-- > 0)
                exchange_free(syncing->parts[i].exchange);
            return false;
        }
        syncing->open++;
    }
    return true;
}

static enum command_status complain(const struct syncing *syncing, const struct err *err)
{
    return err->code == ERR_INVALID ? command_misuse(syncing->net->call, "%s", err->text)
                                    : command_fail(syncing->net->call, err);
}

bool sync_round(struct syncing *syncing, struct err *err)
{
    struct err lost;
    bool ok = open_parts(syncing, err);
    if (ok) {
        uv_timer_init(&syncing->net->loop, &syncing->look);
        syncing->look.data = syncing;
        uv_timer_start(&syncing->look, on_look, LOOK_MS, LOOK_MS);
        uv_run(&syncing->net->loop, UV_RUN_DEFAULT);
        terminal_progress_clear(&syncing->progress);
    }
    if (basket_free(syncing->basket, &lost))
        return ok;
    *err = lost;
    return false;
}

static enum command_status work(struct syncing *syncing)
{
    struct err err;
    if (syncing->given == NULL && (!find_scope(syncing, &err) || !find_relays(syncing, &err)))
        return complain(syncing, &err);
    if (!sync_round(syncing, &err) || !sync_route(syncing, &err))
        return complain(syncing, &err);
    sync_open_keys(syncing);
    sync_mend(syncing);
    return sync_summarise(syncing);
}

static enum command_status run(struct syncing *syncing, struct command_call *call)
{
    enum command_status status;
    syncing->is_trial = command_value(call, "dry-run") != NULL;
    syncing->store = home_open(call, &status);
    if (syncing->store == NULL)
        return status;
    status = net_open(syncing->net, call);
    syncing->progress = terminal_progress();
    if (status == COMMAND_DONE)
        status = work(syncing);
    net_close(syncing->net);
    store_close(syncing->store);
    if (syncing->last != NULL)
        arena_clear(&syncing->last->arena);
    arena_clear(&syncing->arena);
    return status;
}

enum command_status sync_fetch(struct command_call *call, const struct sync_call *given)
{
    struct net net;
    struct syncing syncing = {
        .net = &net,
        .store = given->store,
        .scope = {.filters = given->filters, .count = given->filter_count},
        .down = true,
        .is_trial = command_value(call, "dry-run") != NULL,
        .urls = given->urls,
        .url_count = given->url_count,
        .given = given,
    };
    enum command_status status = net_open(&net, call);
    net.holder = given->holder;
    syncing.progress = terminal_progress();
    if (status == COMMAND_DONE)
        status = work(&syncing);
    net.holder = NULL; /* the caller's */
    net_close(&net);
    arena_clear(&syncing.arena);
    return status;
}

static enum command_status run_fetch(struct command_call *call)
{
    struct net net;
    struct syncing syncing = {.net = &net, .down = true};
    return run(&syncing, call);
}

static enum command_status run_push(struct command_call *call)
{
    struct net net;
    struct syncing syncing = {.net = &net, .pushes = true};
    return run(&syncing, call);
}

static enum command_status run_sync(struct command_call *call)
{
    struct net net;
    struct syncing syncing = {.net = &net, .pushes = true, .down = true, .up = true};
    return run(&syncing, call);
}

#define SYNC_OPTIONS                                                             \
    {"pages", NULL, "without NIP-77, as with a relay that does not know it"},    \
        {"anew", NULL, "from the beginning, whatever was paged through before"}, \
    {                                                                            \
        "dry-run", NULL, "count what differs, and move nothing"                  \
    }

static const struct command_option options_both[] = {
    SCOPE_OPTIONS,
    {"no-outbox", NULL, "from your relays alone, not from where the authors write (NIP-65)"},
    {"outbox", NULL, "from where the authors write, too, though relays are named"},
    SYNC_OPTIONS,
    NET_OPTIONS,
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_fetch = {.name = "fetch",
                                      .words = "[RELAY...]",
                                      .help = "get what the relays have and you lack",
                                      .words_max = COMMAND_WORDS_MAX,
                                      .options = options_both,
                                      .option_count = ARRAY_LEN(options_both),
                                      .run = run_fetch};

const struct command command_sync = {.name = "sync",
                                     .words = "[RELAY...]",
                                     .help = "push, fetch, and send what the relays lack",
                                     .words_max = COMMAND_WORDS_MAX,
                                     .options = options_both,
                                     .option_count = ARRAY_LEN(options_both),
                                     .run = run_sync};

static const struct command_option options_push[] = {
    {"dry-run", NULL, "send nothing"}, NET_OPTIONS, HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_push = {.name = "push",
                                     .words = "[RELAY...]",
                                     .help = "send the relays what is queued for them",
                                     .words_max = COMMAND_WORDS_MAX,
                                     .options = options_push,
                                     .option_count = ARRAY_LEN(options_push),
                                     .run = run_push};
