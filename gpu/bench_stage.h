/* bench_stage.h - how long each stage of a model takes, were it cut into so many. Part of bench.
 *
 * The stages are opened one after the other, and each is given what the one before it gave: what a
 * node that has these layers alone would spend on a token or a prompt, and what it would send on.
 *
 *   ownership  borrowed for the call
 *   threads    one
 *   errors     those of exec; ERR_INVALID more stages than layers
 */
#pragma once

#include "gpu/bench.h"

struct exec_options;
struct model;

/* whole: options of all of the model. tokens: the prompt, and some to be decoded after it. */
struct bench_stage_setup {
    const struct model *model;
    const struct exec_options *whole;
    uint32_t stages, prompt;
    const uint32_t *tokens; /* (prompt + BENCH_STAGE_STEPS) */
    bool is_json;
};

enum { BENCH_STAGE_STEPS = 12 };

MUST_CHECK bool bench_stages(const struct bench_stage_setup *setup, FILE *out, struct err *err);
