/* bench.h - `shoal-gpu bench`: how fast a model runs here, beside what this machine can do at most.
 *
 * Decoding reads every weight once for a step, so its floor is reading memory; a prompt multiplies,
 * so its floor is the multiplications that all threads do on what lies in their caches. Both are
 * measured in the same run, around what they are compared with.
 *
 *   ownership  borrowed for the call
 *   threads    one
 *   errors     those of model and exec
 */
#pragma once

#include <stdio.h>

#include "gpu/dtype.h"

struct card;
struct err;

struct bench_options {
    const char *model;
    uint32_t threads; /* 0: as many as there are cores */
    enum dtype_made weights;
    const struct card *card; /* NULL: the processor */
    uint32_t stages;         /* that the model is cut into, too; 0: it is not */
    bool is_json;            /* one object, not lines */
};

MUST_CHECK bool bench_model(const struct bench_options *options, FILE *out, struct err *err);
