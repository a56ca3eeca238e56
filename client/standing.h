/* standing.h - what a node tells of a job that was paid for: how it stands, what was delivered, and
 * once it has ended the receipt, and the quote with the change.
 *
 *   units      tokens; cost in the job's unit
 *   ownership  spans point into the text or the arena
 *   threads    any
 *   errors     ERR_INVALID: no such thing
 *   spec       Shoal's market: GET /v1/jobs/Y
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

struct standing {
    struct span job;     /* the id of its quote */
    struct span state;   /* "RUNNING" */
    struct span text;    /* as far as it was delivered */
    struct span why;     /* of FAILED; empty: not said */
    struct span receipt; /* JSON of an event; empty: none */
    struct span quote;   /* JSON, as the mint has it; empty: none */
    uint32_t windows;    /* that the text is of */
    uint32_t prompt_tokens, output_tokens;
    uint64_t cost;
    bool is_cut; /* it is as long as it may be */
};

MUST_CHECK bool standing_read(struct standing *standing, struct arena *arena, struct span json,
                              struct err *err);

/* Whether no more will come of it. */
bool standing_has_ended(const struct standing *standing);
