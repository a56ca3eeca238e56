#include "gpu/stage_work.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#include "gpu/stage_parts.h"

/* ---- what is to be run ---- */

/* How many rows of a session can be run at once. */
static uint32_t rows_of(const struct stage_session *session)
{
    uint32_t count = session->is_dead ? 0 : session->have - session->done;
    if (count > STAGE_PIECE_ROWS)
        count = STAGE_PIECE_ROWS;
    if (session->wanted > session->done && session->wanted - session->done < count)
        count = session->wanted - session->done;
    return count;
}

static void add_span(struct stage_work *work, struct stage_session *session, uint32_t count)
{
    session->is_in_work = true;
    work->spans[work->span_count++] = (struct stage_span){.session = session->id,
                                                          .opens = !session->is_known,
                                                          .positions_max = session->positions_max,
                                                          .position = session->done,
                                                          .count = count};
}

static struct stage_session *find_in_work(const struct stage *stage, uint64_t id)
{
    for (uint32_t i = 0; i < stage->count; i++)
        if (stage->sessions[i]->id == id && stage->sessions[i]->is_in_work)
            return stage->sessions[i];
    return NULL;
}

/* Answers' tokens first, then pieces of prompts, while there is room. */
static uint32_t choose(struct stage *stage, struct stage_work *work)
{
    uint32_t total = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < stage->count; i++) {
            struct stage_session *session = stage->sessions[(stage->turn + i) % stage->count];
            uint32_t count = rows_of(session);
            uint32_t room = stage->options.rows_max - total;
            if (count == 0 || session->is_in_work || (pass == 0 && count > 1))
                continue;
            if (count > room)
                count = room;
            if (count > 0)
                add_span(work, session, count);
            total += count;
        }
    return total;
}

static void *allocate(size_t count, size_t size)
{
    void *at = calloc(count + 1, size);
    if (at == NULL)
        abort();
    return at;
}

/* Inputs are copied: rows may be received while the work is done. */
static void fill(struct stage *stage, struct stage_work *work, size_t total)
{
    const struct stage_options *options = &stage->options;
    size_t width = options->width;
    float *in;
    float *hidden;
    float *logits;
    uint32_t *tokens;
    work->rows = in = allocate(2 * total * width, sizeof *in);
    work->tokens = tokens = allocate(total, sizeof *tokens);
    work->results = logits = allocate(
        options->is_last ? (size_t)work->span_count * options->vocabulary : 0, sizeof *logits);
    hidden = in + total * width;
    for (uint32_t i = 0; i < work->span_count; i++) {
        struct stage_span *span = work->spans + i;
        const struct stage_session *session = find_in_work(stage, span->session);
        if (options->is_first) {
            memcpy(tokens, session->tokens, span->count * sizeof *tokens);
            span->tokens = tokens;
        } else {
            memcpy(in, session->rows, span->count * width * sizeof *in);
            span->in = in;
        }
        span->hidden = options->is_last ? NULL : hidden;
        if (options->is_last && session->wanted == span->position + span->count) {
            span->logits = logits;
            logits += options->vocabulary;
        }
        tokens += span->count;
        in += span->count * width;
        hidden += span->count * width;
    }
}

bool stage_plan(struct stage *stage, struct stage_work *work)
{
    if (stage->is_busy)
        return false;
    *work = (struct stage_work){.closed = stage->closed, .closed_count = stage->closed_count};
    work->spans = allocate(stage->count, sizeof *work->spans);
    uint32_t total = choose(stage, work);
    if (total == 0 && work->closed_count == 0) {
        free(work->spans);
        return false;
    }
    stage->closed = NULL;
    stage->closed_count = stage->closed_capacity = 0;
    stage->is_busy = true;
    stage->turn++;
    fill(stage, work, total);
    return true;
}

/* ---- what it gave ---- */

/* The count greatest, of two alike the first, as pairs. */
static void pick(struct text *pairs, const float *logits, uint32_t vocabulary, uint32_t count)
{
    uint32_t *best = allocate(count, sizeof *best);
    uint32_t found = 0;
    for (uint32_t token = 0; token < vocabulary; token++) {
        if (found == count && logits[token] <= logits[best[count - 1]])
            continue;
        uint32_t at = found < count ? found++ : count - 1;
        for (; at > 0 && logits[token] > logits[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = token;
    }
    for (uint32_t i = 0; i < found; i++) {
        uint32_t token = htole32(best[i]);
        uint32_t logit;
        memcpy(&logit, logits + best[i], sizeof logit);
        logit = htole32(logit);
        text_add(pairs, SPAN_OF(token));
        text_add(pairs, SPAN_OF(logit));
    }
    free(best);
}

static void keep_result(struct stage *stage, struct stage_session *session, const float *logits)
{
    uint32_t vocabulary = stage->options.vocabulary;
    uint32_t likely = session->likely < vocabulary ? session->likely : vocabulary;
    session->result.len = 0;
    session->result_end = session->done;
    session->result_is_pairs = likely > 0;
    session->result_count = likely > 0 ? likely : vocabulary;
    if (likely > 0) {
        pick(&session->result, logits, vocabulary, likely);
        return;
    }
    for (uint32_t i = 0; i < vocabulary; i++) {
        uint32_t logit;
        memcpy(&logit, logits + i, sizeof logit);
        logit = htole32(logit);
        text_add(&session->result, SPAN_OF(logit));
    }
}

static void drop_input(struct stage *stage, struct stage_session *session, uint32_t count)
{
    size_t left = session->have - session->done - count;
    size_t width = stage->options.width;
    if (stage->options.is_first)
        memmove(session->tokens, session->tokens + count, left * sizeof *session->tokens);
    else
        memmove(session->rows, session->rows + count * width, left * width * sizeof(float));
    session->done += count;
}

static void refuse(struct stage *stage, struct stage_session *session,
                   const struct stage_span *span)
{
    bool is_full = span->is_refused || span->verdict == EXEC_NO_PAGES;
    if (is_full && stage_drop_orphans(stage) > 0)
        return; /* then there is room, and it is planned again */
    if (is_full)
        stage_fail(stage, session, WIRE_FULL, "no memory is left for keys and values");
    else
        stage_fail(stage, session, WIRE_BROKEN, "a step was refused");
}

static void finish(struct stage *stage, const struct stage_span *span)
{
    struct stage_session *session = find_in_work(stage, span->session);
    session->is_in_work = false;
    session->is_known = session->is_known || !span->is_refused;
    if (session->is_dead)
        return;
    if (span->is_refused || span->verdict != EXEC_DONE) {
        refuse(stage, session, span);
        return;
    }
    drop_input(stage, session, span->count);
    stage->rows += span->count;
    if (!stage->options.is_last)
        boundary_add(&session->out, span->hidden, span->count, session->wanted == session->done);
    if (!stage->options.is_first && session->told - session->done <= STAGE_WINDOW / 2)
        stage_credit(stage, session);
    if (span->logits != NULL) {
        keep_result(stage, session, span->logits);
        stage_tell(stage, session);
    }
}

void stage_done(struct stage *stage, struct stage_work *work)
{
    for (uint32_t i = 0; i < work->span_count; i++)
        finish(stage, work->spans + i);
    stage->is_busy = false;
    stage_sweep(stage);
    stage_work_clear(work);
}

void stage_work_clear(struct stage_work *work)
{
    free(work->closed);
    free(work->spans);
    free(work->rows);
    free(work->results);
    free(work->tokens);
    *work = (struct stage_work){0};
}
