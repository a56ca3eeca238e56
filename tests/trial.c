#include "tests/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "gpu/model.h"
#include "shared/err.h"

static void stop(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    abort();
}

void trial_tokens(uint32_t *tokens, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = (i * 37 + 5) % TRIAL_VOCABULARY;
}

struct exec *trial_open(const struct model *model, uint32_t begin, uint32_t end, enum dtype kv_type)
{
    struct exec *exec;
    struct err err;
    struct exec_options options = exec_options_whole(model, 128);
    options.layer_begin = begin;
    options.layer_end = end;
    options.has_embedding = begin == 0;
    options.has_head = end == model->hyper.layers;
    options.kv_type = kv_type;
    options.sessions_max = 4;
    if (!exec_open(&exec, model, &options, &err))
        stop(&err);
    return exec;
}

enum exec_verdict trial_step(struct exec *exec, struct exec_span span)
{
    struct err err;
    if (!exec_step(exec, &span, 1, &err))
        stop(&err);
    return span.verdict;
}

void trial_session(struct exec *exec, uint64_t id, uint32_t positions)
{
    struct err err;
    if (!exec_session_open(exec, id, positions, &err))
        stop(&err);
}

void trial_run(struct exec *exec, struct trial *trial, const uint32_t *tokens, uint32_t count,
               uint32_t piece)
{
    memset(trial, 0xff, sizeof *trial); /* NaN: what is not written is not equal */
    trial_session(exec, 7, count);
    for (uint32_t at = 0; at < count; at += piece) {
        uint32_t rows = count - at < piece ? count - at : piece;
        struct exec_span span = {.session = 7,
                                 .position = at,
                                 .count = rows,
                                 .tokens = tokens + at,
                                 .hidden = trial->hidden[at],
                                 .logits = trial->logits[at],
                                 .logit_count = rows};
        if (trial_step(exec, span) != EXEC_DONE)
            abort();
    }
    exec_session_close(exec, 7);
}
