/* delta.h - what comes while an answer is streamed: one event of server-sent events, as OpenAI's
 * API has it, and what a node adds for who pays it.
 *
 *   ownership  what is read points into the text or the arena
 *   threads    any
 *   errors     ERR_INVALID: no JSON object of that shape
 *   spec       OpenAI's chat.completion.chunk
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

struct delta {
    struct span text;    /* what is new of the answer */
    struct span finish;  /* why it ends: "stop", "length"; empty: it goes on */
    struct span error;   /* what went wrong; empty: nothing */
    struct span token;   /* what is left of what was paid; empty: not said */
    struct span receipt; /* JSON; empty: none */
    struct span tokens;  /* those of the answer, a JSON array of numbers; empty: not said */
    bool has_usage;
    uint32_t prompt_tokens, output_tokens;
};

/* What follows "data:" in a line of the stream, other than [DONE]. */
MUST_CHECK bool delta_read(struct delta *delta, struct arena *arena, struct span json,
                           struct err *err);
