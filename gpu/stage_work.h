/* stage_work.h - what the executor of a stage is to do, and what it gave.
 *
 * Answers' tokens go before pieces of prompts, so that no prompt holds up an answer by more than a
 * piece of each.
 *
 *   units      rows, positions
 *   ownership  work is the executor's from stage_plan until stage_done, which frees it
 *   threads    the work may be done on any thread; stage_plan and stage_done are the stage's
 */
#pragma once

#include "gpu/exec.h"

struct stage;

struct stage_span {
    uint64_t session;
    bool opens; /* it is new to the executor */
    uint32_t positions_max;
    uint32_t position, count;
    const uint32_t *tokens;    /* of the first */
    const float *in;           /* of any other */
    float *hidden;             /* room for count rows, of any but the last */
    float *logits;             /* room for those of the last row, where they are wanted; or NULL */
    bool is_refused;           /* out: the executor had no room for the session */
    enum exec_verdict verdict; /* out */
};

/* What the executor is to do at once: end sessions, then run spans. */
struct stage_work {
    uint64_t *closed;
    uint32_t closed_count;
    struct stage_span *spans;
    uint32_t span_count;
    float *rows, *results;
    uint32_t *tokens;
};

/* False when there is nothing to do. Nothing else is planned until it is done. */
MUST_CHECK bool stage_plan(struct stage *stage, struct stage_work *work);
/* Frees the work. */
void stage_done(struct stage *stage, struct stage_work *work);

/* Frees work that will never be done, of a stage that has gone. */
void stage_work_clear(struct stage_work *work);
