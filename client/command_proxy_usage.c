/* shoal proxy usage: what was spent. */
#include <inttypes.h>

#include "client/command_home.h"
#include "client/command_wallet.h"
#include "client/expense.h"
#include "client/provider.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

static void write_row(struct text *out, const struct expense_row *row, bool is_json)
{
    struct span by = row->provider.len > 0 ? row->provider : SPAN("shoal");
    if (!is_json) {
        home_write_words(out, by, PROVIDER_NAME_BYTES_MAX);
        text_add(out, SPAN(" "));
        home_write_words(out, row->model, PLEA_MODEL_BYTES_MAX);
        text_add(out, SPAN(": "));
        pocket_write_amount(out, row->cost);
        text_addf(out, " credits for %" PRIu64 " answers, %" PRIu64 " and %" PRIu64 " tokens",
                  row->count - row->open, row->prompt_tokens, row->output_tokens);
        if (row->open > 0) {
            text_addf(out, "; %" PRIu64 " not over, or cut off, for at most ", row->open);
            pocket_write_amount(out, row->open_most);
        }
        text_add(out, SPAN("\n"));
        return;
    }
    text_add(out, SPAN("{\"provider\":"));
    text_add_json(out, by);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, row->model);
    text_addf(out,
              ",\"units\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"prompt_tokens\":%" PRIu64
              ",\"output_tokens\":%" PRIu64 ",\"open\":%" PRIu64 ",\"open_most\":%" PRIu64 "}\n",
              row->cost, row->count - row->open, row->prompt_tokens, row->output_tokens, row->open,
              row->open_most);
}

static bool look_usage(struct store *store, struct text *out, const struct command_call *call,
                       struct err *err)
{
    const char *word = command_value(call, "since");
    struct arena arena = {0};
    struct expense_row *rows;
    size_t count;
    uint64_t since_ms = expense_day(home_now());
    if (word != NULL && !home_time(&since_ms, word, err))
        return false;
    bool ok = expense_rows(store, &rows, &count, &arena, since_ms, err);
    for (size_t i = 0; ok && i < count; i++)
        write_row(out, &rows[i], call->is_json);
    arena_clear(&arena);
    return ok;
}

static enum command_status run_usage(struct command_call *call)
{
    return home_look(call, look_usage);
}

static const struct command_option usage_options[] = {
    {"since", "TIME", "unix seconds, or 2026-11-21T14:30:00Z [today, UTC]"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_proxy_usage = {
    .name = "proxy usage",
    .help = "what shoal proxy spent, by whom it asked and for which model",
    .options = usage_options,
    .option_count = ARRAY_LEN(usage_options),
    .run = run_usage};
