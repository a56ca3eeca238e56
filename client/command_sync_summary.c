#include "client/command_sync_parts.h"
#include "client/outbox.h"
#include "shared/err.h"
#include "shared/text.h"

static void add_count(struct text *out, bool is_json, const char *name, uint64_t count)
{
    if (is_json)
        text_addf(out, ",\"%s\":%llu", name, (unsigned long long)count);
    if (is_json || count == 0)
        return;
    text_addf(out, ", %llu ", (unsigned long long)count);
    for (; *name != '\0'; name++)
        text_addf(out, "%c", *name == '_' ? ' ' : *name);
}

static void add_summary(struct text *out, const struct part *part)
{
    const struct exchange_counts *counts = &part->counts;
    bool is_json = part->syncing->net->call->is_json, is_trial = part->syncing->is_trial;
    text_add(out, is_json ? SPAN("{\"relay\":") : SPAN(""));
    if (is_json)
        text_add_json(out, part->url);
    else
        text_add(out, part->url);
    if (is_json)
        text_addf(out, ",\"complete\":%s", part->is_done ? "true" : "false");
    else
        text_add(out, part->is_done ? SPAN(": done") : SPAN(": not done"));
    if (is_trial && part->syncing->pushes)
        add_count(out, is_json, "queued", part->queued);
    if (is_trial) {
        add_count(out, is_json, "to_fetch", counts->sync.needed);
        add_count(out, is_json, "to_send", counts->sync.lacked);
    }
    add_count(out, is_json, "fetched", counts->fetched);
    add_count(out, is_json, "sent", counts->sent);
    add_count(out, is_json, "known", counts->known);
    add_count(out, is_json, "refused", counts->refused);
    add_count(out, is_json, "failed", counts->later);
    add_count(out, is_json, "kept_back", counts->kept_back);
    add_count(out, is_json, "missing", counts->sync.missing);
    add_count(out, is_json, "wrong", counts->sync.wrong);
    add_count(out, is_json, "crowded", counts->sync.crowded);
    text_add(out, is_json ? SPAN("}\n") : SPAN("\n"));
}

struct sums {
    size_t count, done;
    bool is_whole; /* nothing was refused, failed or wrong */
};

static void add_round(struct text *out, struct sums *sums, const struct syncing *syncing)
{
    for (size_t i = 0; i < syncing->count; i++) {
        const struct exchange_counts *counts = &syncing->parts[i].counts;
        add_summary(out, &syncing->parts[i]);
        sums->count++;
        sums->done += syncing->parts[i].is_done;
        if (counts->refused + counts->later + counts->sync.wrong > 0)
            sums->is_whole = false;
    }
}

/* Nothing could be done; what is queued is kept for another time. */
static enum command_status fail(const struct syncing *syncing)
{
    uint64_t next_ms;
    struct err err;
    for (size_t i = 0; syncing->pushes && !syncing->is_trial && i < syncing->count; i++) {
        if (!outbox_next(syncing->store, &next_ms, syncing->parts[i].url, &err))
            return command_fail(syncing->net->call, &err);
        if (next_ms != UINT64_MAX)
            return COMMAND_QUEUED;
    }
    return COMMAND_FAILED;
}

enum command_status sync_summarise(struct syncing *syncing)
{
    struct text out = {0};
    struct sums sums = {.is_whole = true};
    add_round(&out, &sums, syncing);
    if (syncing->last != NULL)
        add_round(&out, &sums, syncing->last);
    enum command_status printed = command_print(syncing->net->call, &out);
    if (printed != COMMAND_DONE)
        return printed;
    if (sums.done == 0)
        return fail(syncing);
    return sums.done == sums.count && sums.is_whole ? COMMAND_DONE : COMMAND_PARTLY;
}
