#include "client/command_sync_parts.h"
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
    bool is_json = part->syncing->net.call->is_json, is_trial = part->syncing->is_trial;
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

enum command_status sync_summarise(struct syncing *syncing)
{
    struct text out = {0};
    size_t done = 0;
    bool is_whole = true;
    for (size_t i = 0; i < syncing->count; i++) {
        const struct exchange_counts *counts = &syncing->parts[i].counts;
        add_summary(&out, &syncing->parts[i]);
        done += syncing->parts[i].is_done;
        is_whole = is_whole && counts->refused + counts->later + counts->sync.wrong == 0;
    }
    enum command_status printed = command_print(syncing->net.call, &out);
    if (printed != COMMAND_DONE || done == 0)
        return COMMAND_FAILED;
    return done == syncing->count && is_whole ? COMMAND_DONE : COMMAND_PARTLY;
}
