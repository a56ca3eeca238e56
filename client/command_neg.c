/* shoal neg: what a relay has and who asks lacks, and the other way about. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/command_net.h"
#include "client/sync.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/text.h"

struct comparing {
    struct net net;
    struct arena arena; /* of the filter */
    struct filter filter;
    struct negentropy_record *records;
    size_t count, capacity;
    struct link *link;
    struct sync *sync;
    struct text out;
    uv_timer_t silence;
    uint64_t named; /* by one side or the other */
    uint64_t heard; /* of the relay, when that was last looked at */
    bool was_open;
    struct terminal_progress progress;
    enum command_status status;
};

static void end(struct comparing *comparing, const char *why)
{
    if (comparing->sync == NULL)
        return;
    terminal_progress_clear(&comparing->progress);
    if (why != NULL)
        net_say(&comparing->net, link_url(comparing->link), command_span(why));
    comparing->status = why == NULL ? COMMAND_DONE : COMMAND_FAILED;
    sync_free(comparing->sync);
    comparing->sync = NULL;
    link_free(comparing->link);
    uv_close((uv_handle_t *)&comparing->silence, NULL);
    uv_stop(&comparing->net.loop);
}

static void on_silence(uv_timer_t *timer)
{
    struct comparing *comparing = timer->data;
    const struct sync_counts *counts = sync_counts(comparing->sync);
    uint64_t heard = counts->rounds + counts->needed;
    if (heard == comparing->heard)
        end(comparing, "nothing was heard for too long");
    comparing->heard = heard;
}

static void add_line(struct comparing *comparing, const char *what, const struct bytes32 *id)
{
    bool is_json = comparing->net.call->is_json;
    terminal_progress_show(&comparing->progress, 0, 0, "%zu events here, %llu differ",
                           comparing->count, (unsigned long long)++comparing->named);
    text_addf(&comparing->out, is_json ? "{\"%s\":\"" : "%s ", what);
    text_add_hex(&comparing->out, id->at, sizeof id->at);
    text_add(&comparing->out, is_json ? SPAN("\"}\n") : SPAN("\n"));
}

static void on_named(void *owner, const struct bytes32 *id)
{
    add_line(owner, "need", id);
}

static void on_lacks(void *owner, const struct bytes32 *id)
{
    add_line(owner, "have", id);
}

static void on_over(void *owner, const char *why)
{
    end(owner, why);
}

static void on_opened(void *owner, struct link *link)
{
    struct comparing *comparing = owner;
    (void)link;
    comparing->was_open = true;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct comparing *comparing = owner;
    (void)link;
    (void)wait_ms;
    if (!comparing->was_open)
        end(comparing, why);
}

static void on_challenged(void *owner, struct link *link)
{
    struct comparing *comparing = owner;
    net_answer(&comparing->net, link);
}

/* ---- what we have ---- */

static void add_record(struct comparing *comparing, const struct event *event)
{
    if (!filter_match(&comparing->filter, event))
        return;
    if (comparing->count == comparing->capacity) {
        comparing->capacity = comparing->capacity == 0 ? 1024 : 2 * comparing->capacity;
        comparing->records =
            realloc(comparing->records, comparing->capacity * sizeof *comparing->records);
        if (comparing->records == NULL)
            abort();
    }
    comparing->records[comparing->count++] =
        (struct negentropy_record){.created_at = event->created_at, .id = event->id};
}

static bool read_events(struct comparing *comparing)
{
    struct err err;
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t len;
    bool ok = true;
    while (ok && (len = getline(&line, &capacity, stdin)) > 0) {
        struct arena arena = {0};
        struct event event;
        number++;
        ok = line[0] == '\n' || event_parse(&event, &arena, (struct span){line, (size_t)len}, &err);
        if (ok && line[0] != '\n')
            add_record(comparing, &event);
        arena_clear(&arena);
    }
    free(line);
    if (!ok)
        fprintf(stderr, "shoal neg: line %zu: %s\n", number, err.text);
    return ok;
}

static void compare(struct comparing *comparing)
{
    const struct sync_setup setup = {
        .link = comparing->link,
        .filter = &comparing->filter,
        .down = true,
        .up = true,
        .names_only = true,
        .never_reconciles = command_value(comparing->net.call, "pages") != NULL,
        .records = comparing->records,
        .record_count = comparing->count,
        .now = (int64_t)time(NULL),
        .named = on_named,
        .lacks = on_lacks,
        .over = on_over,
        .owner = comparing,
    };
    uint64_t most_ms = (uint64_t)comparing->net.timeout_s * 1000;
    uv_timer_init(&comparing->net.loop, &comparing->silence);
    comparing->silence.data = comparing;
    if (most_ms > 0)
        uv_timer_start(&comparing->silence, on_silence, most_ms, most_ms);
    comparing->sync = sync_new(&setup);
    terminal_progress_show(&comparing->progress, 0, 0, "%zu events here", comparing->count);
    uv_run(&comparing->net.loop, UV_RUN_DEFAULT);
}

static bool parse_filter(struct comparing *comparing, const char *text, struct err *err)
{
    return filter_parse(&comparing->filter, &comparing->arena, command_span(text), err) &&
           (comparing->filter.limit == FILTER_NO_LIMIT ||
            err_set(err, ERR_INVALID, "a filter with a limit"));
}

static enum command_status run_neg(struct command_call *call)
{
    struct comparing comparing = {.status = COMMAND_FAILED, .progress = terminal_progress()};
    struct err err;
    if (!parse_filter(&comparing, call->words[1], &err)) {
        comparing.status = command_misuse(call, "%s", err.text);
    } else if (read_events(&comparing)) {
        comparing.status = net_open(&comparing.net, call);
        const struct link_setup setup = {.url = command_span(call->words[0]),
                                         .opened = on_opened,
                                         .closed = on_closed,
                                         .challenged = on_challenged,
                                         .owner = &comparing};
        comparing.count = negentropy_seal(comparing.records, comparing.count);
        if (comparing.status == COMMAND_DONE &&
            (comparing.link = link_new(comparing.net.host, &setup, &err)) == NULL)
            comparing.status = command_misuse(call, "%s", err.text);
        if (comparing.link != NULL)
            compare(&comparing);
        net_close(&comparing.net);
    }
    if (comparing.status == COMMAND_DONE)
        comparing.status = command_print(call, &comparing.out);
    text_clear(&comparing.out);
    free(comparing.records);
    arena_clear(&comparing.arena);
    return comparing.status;
}

static const struct command_option options_neg[] = {
    {"pages", NULL, "without NIP-77, as with a relay that does not know it"},
    NET_OPTIONS,
    COMMAND_OPTION_JSON};

const struct command command_neg = {.name = "neg",
                                    .words = "RELAY FILTER < EVENTS",
                                    .help = "compare events with a relay's: what each side lacks",
                                    .words_min = 2,
                                    .words_max = 2,
                                    .options = options_neg,
                                    .option_count = ARRAY_LEN(options_neg),
                                    .run = run_neg};
