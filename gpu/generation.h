/* generation.h - an answer: a prompt's tokens in, text out while it is made.
 *
 * It ends with a token that ends answers, before a stop string, when it is as long as it may be, or
 * when its reader wants no more.
 *
 *   units      tokens, nanoseconds
 *   ownership  all is borrowed for the call; the session is opened and closed within it
 *   threads    one at a time
 *   errors     ERR_INVALID a prompt that is empty or leaves no room; what exec and sampler refuse
 */
#pragma once

#include "gpu/sampler.h"
#include "gpu/stopper.h"
#include "gpu/tokenizer.h"

struct exec;

/* A piece of the answer, UTF-8. False to end it. */
typedef bool generation_tell_fn(void *owner, struct span text);

struct generation_call {
    struct exec *exec; /* a whole model, with one session to spare */
    const struct tokenizer *tokenizer;
    uint32_t vocabulary, context; /* of the model */
    uint32_t rows_max;            /* of a step */
    uint64_t session;             /* an id that is free */
    const struct tokens *prompt;
    uint32_t end_token;  /* ends the answer, beside those of the tokenizer; VOCABULARY_NONE */
    uint32_t tokens_max; /* of the answer */
    const struct sampler_options *sampler;
    const struct span *stops;
    size_t stop_count;
    generation_tell_fn *tell;
    void *owner;
};

enum generation_end { GENERATION_ENDED, GENERATION_STOPPED, GENERATION_FULL, GENERATION_LEFT };

struct generation {
    uint32_t prompt_tokens, tokens; /* tokens: those of the answer, its end not counted */
    enum generation_end end;
    uint64_t first_nanoseconds; /* until the first token was known */
    uint64_t nanoseconds;       /* of all after that, */
    uint64_t weight_bytes;      /* and what was read of weights in it */
};

MUST_CHECK bool generation_run(struct generation *generation, const struct generation_call *call,
                               struct err *err);
