/* command_infer_batch.h - the parts of a text on their way. Part of command.
 *
 *   ownership  infer_batch's
 *   threads    one
 */
#pragma once

#include "client/command_infer.h"
#include "client/terminal_progress.h"
#include "shared/err.h"

enum { PLACES_MAX = 16 };

struct place {
    const struct market_candidate *candidate;
    struct infer_job ready; /* what its jobs begin as */
    uint32_t busy, failures;
    bool is_dear;
};

enum part_state { PART_WAITS, PART_RUNS, PART_DONE, PART_FAILED };

struct part {
    enum part_state state;
    struct text body;
    struct infer_job job;
    uint32_t tries;
    bool is_tried[PLACES_MAX];
    struct place *place;
    uint64_t spent; /* of all tries */
};

struct batch {
    struct infer *infer;
    struct place places[PLACES_MAX];
    size_t place_count;
    struct part *parts;
    size_t count, done, shown;
    uint64_t spent, prompt_tokens, output_tokens, began_ms;
    struct infer_watch watch;
    struct terminal_progress progress;
    struct err why;
    bool has_failed, is_unsettled, is_lost;
};

/* Those that are done, in their order, as far as none is missing; and how far it all is. */
void batch_show(struct batch *batch);
void batch_report(struct batch *batch);

/* What would be done. */
enum command_status batch_try(const struct batch *batch);
