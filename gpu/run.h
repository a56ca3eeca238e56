/* run.h - `shoal-gpu run`: a question to a model, its answer streamed.
 *
 * Where the format of the model's chats is known, or is named, the question is asked as a user
 * would; otherwise it is a text that the model goes on with.
 *
 *   ownership  borrowed for the call
 *   threads    one
 *   errors     those of model, tokenizer, chat and generation
 */
#pragma once

#include <stdio.h>

#include "gpu/dtype.h"
#include "gpu/sampler.h"
#include "gpu/stopper.h"

struct card;
struct generation;
struct generation_call;
struct model;

/* Makes an answer in another way than by the whole model here: the call has no executor. */
typedef bool run_generate_fn(void *owner, struct generation *generation, const struct model *model,
                             const struct generation_call *call, struct err *err);

struct run_options {
    const char *model, *prompt;
    const char *system, *chat;    /* NULL: none; the model's own */
    bool is_raw;                  /* no chat, whatever the model */
    uint32_t tokens_max, context; /* context 0: the model's, or less */
    uint32_t threads;             /* 0: as many as there are cores */
    enum dtype_made weights;
    const struct card *card; /* NULL: the processor */
    struct sampler_options sampler;
    struct span stops[STOPPER_STRINGS_MAX];
    size_t stop_count;
    run_generate_fn *generate; /* NULL: by the whole model, here */
    void *generator;           /* its owner */
};

/* The answer goes to out, what it took to notes. */
MUST_CHECK bool run_model(const struct run_options *options, FILE *out, FILE *notes,
                          struct err *err);
