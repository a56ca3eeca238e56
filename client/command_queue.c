/* shoal queue: what is still to be sent. */
#include "client/command_home.h"
#include "client/outbox.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { QUEUE_DEFAULT = 1000, QUEUE_MAX = 1000000, WORDS_MAX = 200 };

static void add_row(struct text *out, const struct command_call *call, const struct outbox_row *row)
{
    enum { SHORT = 4 };
    bool is_refused = row->state == OUTBOX_REFUSED;
    if (!call->is_json) {
        text_add_hex(out, row->id.at, SHORT);
        text_add(out, SPAN("  "));
        home_write_words(out, row->relay, WORDS_MAX);
        text_addf(out, "  %s, %u tries  ", is_refused ? "refused" : "queued", row->tries);
        home_write_words(out, row->reason, WORDS_MAX);
        text_add(out, SPAN("\n"));
        return;
    }
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", &row->id);
    text_add(out, SPAN(",\"relay\":"));
    text_add_json(out, row->relay);
    text_addf(out, ",\"state\":\"%s\",\"tries\":%u,\"next_ms\":%llu,\"reason\":",
              is_refused ? "refused" : "queued", row->tries, (unsigned long long)row->next_ms);
    text_add_json(out, row->reason);
    text_add(out, SPAN("}\n"));
}

static enum command_status run_list(struct command_call *call)
{
    struct arena arena = {0};
    struct text out = {0};
    struct outbox_rows rows;
    struct err err;
    int64_t max;
    enum command_status status;
    if (!command_number(call, "limit", QUEUE_DEFAULT, QUEUE_MAX, &max))
        return COMMAND_USAGE;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (!outbox_list(store, &rows, &arena, (size_t)max, &err)) {
        status = command_fail(call, &err);
    } else {
        for (size_t i = 0; i < rows.count; i++)
            add_row(&out, call, &rows.at[i]);
        status = command_print(call, &out);
    }
    store_close(store);
    arena_clear(&arena);
    return status;
}

typedef bool change_fn(struct store *store, uint64_t *count, struct span relay, struct err *err);

static enum command_status change(struct command_call *call, change_fn *fn, const char *name)
{
    struct text out = {0};
    struct err err;
    uint64_t count;
    enum command_status status;
    struct span relay = call->word_count > 0 ? command_span(call->words[0]) : SPAN("");
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = store_begin(store, &err) && fn(store, &count, relay, &err) &&
              home_commit(store, call, &err);
    store_close(store);
    if (!ok)
        return command_fail(call, &err);
    if (call->is_json)
        text_addf(&out, "{\"%s\":%llu%s}\n", name, (unsigned long long)count,
                  command_value(call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    else
        text_addf(&out, "%s: %llu\n", name, (unsigned long long)count);
    return command_print(call, &out);
}

static enum command_status run_retry(struct command_call *call)
{
    return change(call, outbox_retry, "due");
}

static enum command_status run_drop(struct command_call *call)
{
    return change(call, outbox_drop, "dropped");
}

static const struct command_option options_list[] = {
    {"limit", "N", "at most so many [1000]"}, HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_queue = {.name = "queue",
                                      .help = "list what is still to be sent, or was refused",
                                      .options = options_list,
                                      .option_count = ARRAY_LEN(options_list),
                                      .run = run_list};

static const struct command_option options_change[] = {HOME_OPTION_DRY_RUN, HOME_OPTION,
                                                       COMMAND_OPTION_JSON};

const struct command command_queue_retry = {
    .name = "queue retry",
    .words = "[URL]",
    .help = "let all of it, or what is for one relay, be due now, also what was refused",
    .words_max = 1,
    .options = options_change,
    .option_count = ARRAY_LEN(options_change),
    .run = run_retry};

const struct command command_queue_drop = {.name = "queue drop",
                                           .words = "[URL]",
                                           .help = "do not send it; the events stay here",
                                           .words_max = 1,
                                           .options = options_change,
                                           .option_count = ARRAY_LEN(options_change),
                                           .run = run_drop};
