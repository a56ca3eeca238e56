/* What a batch says. */
#include <inttypes.h>
#include <stdio.h>

#include "client/command_infer_batch.h"

static void show_progress(struct batch *batch)
{
    terminal_progress_show(&batch->progress, batch->done, batch->count,
                           "%zu of %zu parts, %" PRIu64 ".%02" PRIu64 " credits", batch->done,
                           batch->count, batch->spent / 100, batch->spent % 100);
}

static void show_part(struct batch *batch, const struct part *part)
{
    struct text out = {0};
    size_t number = (size_t)(part - batch->parts) + 1;
    if (batch->infer->call->is_json) {
        text_addf(&out, "{\"part\":%zu,\"of\":%zu,", number, batch->count);
        home_write_hex(&out, "node", &part->job.node);
        text_addf(&out, ",\"tries\":%u,\"spent\":%" PRIu64 ",\"finish\":", part->tries,
                  part->spent);
        text_add_json(&out, part->job.finish);
        text_add(&out, SPAN(",\"text\":"));
        text_add_json(&out, text_span(&part->job.said));
        text_add(&out, SPAN("}\n"));
    } else {
        text_add(&out, number > 1 ? SPAN("\n") : SPAN(""));
        infer_write_plain(&out, text_span(&part->job.said));
        text_add(&out, SPAN("\n"));
    }
    terminal_progress_clear(&batch->progress);
    if (command_print(batch->infer->call, &out) != COMMAND_DONE)
        batch->is_lost = true;
    text_clear(&out);
}

void batch_show(struct batch *batch)
{
    while (batch->shown < batch->count && batch->parts[batch->shown].state == PART_DONE &&
           !batch->is_lost)
        show_part(batch, &batch->parts[batch->shown++]);
    show_progress(batch);
}

void batch_report(struct batch *batch)
{
    struct text out = {0}, credits = {0};
    uint64_t ms = home_now() - batch->began_ms;
    terminal_progress_clear(&batch->progress);
    if (batch->infer->call->is_json) {
        text_addf(&out,
                  "{\"parts\":%zu,\"done\":%zu,\"nodes\":%zu,\"spent\":%" PRIu64
                  ",\"prompt_tokens\":%" PRIu64 ",\"output_tokens\":%" PRIu64 ",\"ms\":%" PRIu64
                  ",\"settled\":%s}\n",
                  batch->count, batch->done, batch->place_count, batch->spent, batch->prompt_tokens,
                  batch->output_tokens, ms, batch->is_unsettled ? "false" : "true");
        if (command_print(batch->infer->call, &out) != COMMAND_DONE)
            batch->is_lost = true;
    }
    pocket_write_amount(&credits, batch->spent);
    fprintf(stderr,
            "%zu of %zu parts: %.*s credits; %" PRIu64 " and %" PRIu64 " tokens in %" PRIu64
            ".%" PRIu64 " s\n",
            batch->done, batch->count, (int)credits.len, credits.at, batch->prompt_tokens,
            batch->output_tokens, ms / 1000, ms % 1000 / 100);
    if (batch->is_unsettled)
        fprintf(stderr,
                "shoal infer: what is left of it is at the mints still: shoal wallet sync\n");
    text_clear(&credits);
    text_clear(&out);
}

enum command_status batch_try(const struct batch *batch)
{
    struct text out = {0};
    uint64_t about = batch->places[0].candidate->cost * batch->count;
    if (batch->infer->call->is_json) {
        text_addf(&out, "{\"parts\":%zu,\"nodes\":%zu,\"sent\":%" PRIu64 ",\"dry_run\":true}\n",
                  batch->count, batch->place_count, about);
    } else {
        text_addf(&out, "would ask %zu nodes in %zu parts, for about ", batch->place_count,
                  batch->count);
        pocket_write_amount(&out, about);
        text_add(&out, SPAN(" credits\n"));
    }
    enum command_status status = command_print(batch->infer->call, &out);
    text_clear(&out);
    return status;
}
