/* command_infer_batch.c - the parts of a text, each a job of its own, over several nodes.
 *
 * All of them share one loop. What waits for a mint (paying, taking change) is done one after the
 * other between turns of the loop, while the loop goes on with the other jobs' words. */
#include <inttypes.h>
#include <stdio.h>

#include "client/command_infer_batch.h"
#include "shared/err.h"

enum {
    PLACE_JOBS_MAX = 4,     /* at once */
    PLACE_FAILURES_MAX = 3, /* in a row: it is asked no more */
    TRIES_MAX = 3,
    DEAR = 2, /* times what the best costs: only where others failed */
};

/* ---- nodes ---- */

static bool reach(struct batch *batch, const struct market_candidate *candidate, struct err *err)
{
    struct infer *infer = batch->infer;
    struct pocket *pocket = &infer->pocket;
    if (!infer_afford(infer, candidate, err))
        return false;
    pocket->trade.mint = infer->job.trade.mint;
    bool ok = pocket->is_trial || pocket_reach(pocket, err);
    infer->job.trade = pocket->trade;
    infer->job.loop = &pocket->net.loop;
    pocket->trade.teller = NULL;
    if (!ok) {
        teller_free(infer->job.trade.teller);
        return false;
    }
    struct place *place = &batch->places[batch->place_count++];
    *place = (struct place){.candidate = candidate, .ready = infer->job};
    place->is_dear = candidate->cost > DEAR * batch->places[0].candidate->cost;
    return true;
}

/* All parts are answered by one model. */
static bool is_same(const struct batch *batch, const struct market_candidate *candidate)
{
    return batch->place_count == 0 ||
           memcmp(&batch->places[0].candidate->entry.offer.root, &candidate->entry.offer.root,
                  sizeof candidate->entry.offer.root) == 0;
}

static bool find_places(struct batch *batch)
{
    const struct infer *infer = batch->infer;
    struct err err;
    for (size_t i = 0; i < infer->count && batch->place_count < PLACES_MAX; i++) {
        const struct market_candidate *candidate = &infer->candidates[i];
        if (candidate->verdict != MARKET_FIT)
            break;
        if (!is_same(batch, candidate))
            continue;
        if (reach(batch, candidate, &err))
            continue;
        if (i == 0)
            batch->why = err;
        if (command_value(infer->call, "explain") != NULL)
            fprintf(stderr, "%zu. not asked: %s\n", i + 1, err.text);
    }
    if (batch->place_count > 0)
        return true;
    if (infer->count == 0 || infer->candidates[0].verdict != MARKET_FIT)
        return infer_choose(batch->infer, &batch->why); /* which says why not */
    return false;
}

static bool is_better(const struct part *part, const struct batch *batch, const struct place *a,
                      const struct place *b)
{
    bool is_tried_a = part->is_tried[a - batch->places];
    bool is_tried_b = part->is_tried[b - batch->places];
    if (is_tried_a != is_tried_b)
        return is_tried_b;
    return a->is_dear != b->is_dear ? b->is_dear : a->busy < b->busy;
}

/* NULL: none has room. is_any: whether one will have. */
static struct place *find_place(struct batch *batch, const struct part *part, bool *is_any)
{
    struct place *best = NULL;
    *is_any = false;
    for (size_t i = 0; i < batch->place_count; i++) {
        struct place *place = &batch->places[i];
        if (place->failures >= PLACE_FAILURES_MAX)
            continue;
        if (*is_any && place->is_dear && part->tries == 0)
            continue;
        *is_any = true;
        if (place->busy < PLACE_JOBS_MAX && (best == NULL || is_better(part, batch, place, best)))
            best = place;
    }
    return best;
}

/* ---- a part ---- */

static void fail(struct batch *batch, const struct part *part, const struct err *why)
{
    if (batch->has_failed)
        return;
    batch->has_failed = true;
    err_fill(&batch->why, ERR_INTERNAL, "part %zu of %zu: %s", (size_t)(part - batch->parts) + 1,
             batch->count, why->text);
}

static void begin(struct batch *batch, struct part *part, struct place *place)
{
    struct text body = {0};
    infer_job_clear(&part->job);
    part->job = place->ready;
    infer_write_body(batch->infer, &body, place->candidate->entry.offer.model,
                     batch->infer->prompts[part - batch->parts]);
    text_clear(&part->body);
    part->body = body;
    part->job.body = text_span(&part->body);
    part->place = place;
    part->is_tried[place - batch->places] = true;
    part->tries++;
    part->state = PART_RUNS;
    place->busy++;
    infer_job_begin(&part->job);
}

static void end(struct batch *batch, struct part *part, const struct err *unpaid)
{
    struct infer_job *job = &part->job;
    struct err err;
    bool is_whole = infer_job_end(job, &err) && unpaid == NULL;
    if (unpaid != NULL)
        err = *unpaid;
    part->place->busy--;
    part->spent += job->spent;
    batch->spent += job->spent;
    batch->is_unsettled = batch->is_unsettled || !job->is_settled;
    batch->prompt_tokens += job->prompt_tokens;
    batch->output_tokens += job->output_tokens;
    infer_remember(batch->infer, job, is_whole);
    if (is_whole) {
        part->state = PART_DONE;
        part->place->failures = 0;
        batch->done++;
        return;
    }
    bool is_last = job->is_interrupted || part->tries == TRIES_MAX;
    part->place->failures += !job->is_interrupted;
    part->state = is_last ? PART_FAILED : PART_WAITS;
    if (is_last && !job->is_interrupted)
        fail(batch, part, &err);
    else if (!batch->has_failed)
        batch->why = err;
}

/* ---- money ---- */

/* What the jobs that were paid may cost still. */
static uint64_t committed(const struct batch *batch)
{
    uint64_t units = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->parts[i].state == PART_RUNS && batch->parts[i].job.stage == INFER_ANSWER)
            units += batch->parts[i].job.spent;
    return units;
}

/* Whether it may be paid; if not, whether it may be once others have their change. */
static bool may_pay(const struct batch *batch, struct part *part, bool *is_later, struct err *err)
{
    uint64_t most, others = committed(batch), limit = batch->infer->wish.cost_max;
    uint64_t taken = batch->spent + others;
    struct infer_job *job = &part->job;
    *is_later = others > 0;
    if (taken > limit || job->amount > limit - taken)
        return err_set(err, ERR_INVALID,
                       "--max-price: %" PRIu64 " units more, and %" PRIu64 " of %" PRIu64
                       " are spent",
                       job->amount, taken, limit);
    if (!infer_job_unit(job, job->amount, &most, err))
        return false;
    if (job->unit[0] != '\0')
        *is_later = false;
    return true; /* and says itself what is wrong, where there is not enough */
}

static void pay(struct batch *batch, struct part *part)
{
    struct err err;
    bool is_later;
    bool may = may_pay(batch, part, &is_later, &err);
    if (is_later && (!may || part->job.unit[0] == '\0'))
        return;
    if (!may) {
        infer_job_stop(&part->job);
        end(batch, part, &err);
        fail(batch, part, &err);
        return;
    }
    if (!infer_job_pay(&part->job, &err))
        end(batch, part, &err);
}

/* ---- all of it ---- */

/* Whether anything was done, so that there may be more to do at once. */
static bool advance(struct batch *batch, struct part *part)
{
    struct place *place;
    bool is_any, ends = batch->has_failed || batch->watch.is_told || batch->is_lost;
    switch (part->state) {
    case PART_WAITS:
        if (ends)
            return false;
        place = find_place(batch, part, &is_any);
        if (place != NULL)
            begin(batch, part, place);
        else if (!is_any)
            fail(batch, part, &batch->why);
        return place != NULL || !is_any;
    case PART_RUNS:
        if (ends && part->job.stage != INFER_OVER)
            infer_job_stop(&part->job);
        if (part->job.stage == INFER_PRICED)
            pay(batch, part);
        else if (part->job.stage == INFER_OVER)
            end(batch, part, NULL);
        else
            return false;
        return part->state != PART_RUNS || part->job.stage != INFER_PRICED;
    case PART_DONE:
    case PART_FAILED:
        break;
    }
    return false;
}

static bool runs(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->parts[i].state == PART_RUNS)
            return true;
    return false;
}

static void run(struct batch *batch)
{
    bool is_on = true;
    while (is_on) {
        bool has_moved = false;
        for (size_t i = 0; i < batch->count; i++)
            has_moved = advance(batch, &batch->parts[i]) || has_moved;
        batch_show(batch);
        is_on = has_moved || runs(batch);
        if (is_on && !has_moved)
            uv_run(&batch->infer->pocket.net.loop, UV_RUN_ONCE);
    }
}

static void close_all(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        infer_job_clear(&batch->parts[i].job);
        text_clear(&batch->parts[i].body);
    }
    for (size_t i = 0; i < batch->place_count; i++)
        teller_free(batch->places[i].ready.trade.teller);
}

static enum command_status conclude(struct batch *batch)
{
    batch_report(batch);
    if (batch->watch.is_told)
        err_fill(&batch->why, ERR_INTERNAL, "interrupted");
    if (batch->done < batch->count)
        return command_fail(batch->infer->call, &batch->why);
    return batch->is_lost ? COMMAND_FAILED : COMMAND_DONE;
}

enum command_status infer_batch(struct infer *infer)
{
    struct batch batch = {.infer = infer, .count = infer->prompt_count, .began_ms = home_now()};
    enum command_status status;
    if (!find_places(&batch))
        return command_fail(infer->call, &batch.why);
    if (infer->pocket.is_trial)
        return batch_try(&batch);
    batch.parts = arena_array(&infer->arena, struct part, batch.count);
    batch.progress = terminal_progress();
    infer_watch_begin(&batch.watch, &infer->pocket.net.loop);
    run(&batch);
    infer_watch_end(&batch.watch);
    infer_tell(infer);
    status = conclude(&batch);
    close_all(&batch);
    return status;
}
