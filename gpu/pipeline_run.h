/* pipeline_run.h - a pipeline as the command line has it; and `shoal-gpu run --next`: an
 * answer of a model whose last layers run elsewhere.
 *
 *   ownership  borrowed for the call
 *   threads    one
 *   errors     those of pipeline and outpost; ERR_INTERNAL when no stage goes on with it
 */
#pragma once

#include "gpu/exec.h"
#include "gpu/outpost.h"
#include "gpu/pipeline.h"
#include "gpu/run.h"

struct pipeline_place {
    const struct model *model;
    const struct tokenizer *tokenizer;
    const struct outpost_options *stage; /* layers, next, key_file, wire, roots */
    struct exec_options shard;           /* what is not said there: sizes and threads */
    uint32_t waiting_max;
    void (*note)(void *owner, const char *text); /* NULL: on stderr */
    void *owner;
};

/* The executor of the first layers, and its pipeline. */
MUST_CHECK bool pipeline_open_place(struct pipeline **pipeline, struct exec **exec,
                                    const struct pipeline_place *place, struct err *err);

struct pipeline_run {
    const struct outpost_options *options; /* layers, next, key_file, wire, roots */
    FILE *notes;
};

/* A run_generate_fn; owner: a struct pipeline_run. */
MUST_CHECK bool pipeline_run_generate(void *owner, struct generation *generation,
                                      const struct model *model, const struct generation_call *call,
                                      struct err *err);
