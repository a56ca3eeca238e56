/* pipeline_run.h - `shoal-gpu run --next`: an answer of a model whose last layers run elsewhere.
 *
 *   ownership  borrowed for the call
 *   threads    one
 *   errors     those of pipeline and outpost; ERR_INTERNAL when no stage goes on with it
 */
#pragma once

#include "gpu/outpost.h"
#include "gpu/run.h"

struct pipeline_run {
    const struct outpost_options *options; /* layers, next, key_file, wire, roots */
    FILE *notes;
};

/* A run_generate_fn; owner: a struct pipeline_run. */
MUST_CHECK bool pipeline_run_generate(void *owner, struct generation *generation,
                                      const struct model *model, const struct generation_call *call,
                                      struct err *err);
