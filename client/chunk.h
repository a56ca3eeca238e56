/* chunk.h - answers in OpenAI's shape: whole, or in pieces as server-sent events; and refusals.
 *
 *   units      tokens; unix seconds
 *   ownership  all is borrowed
 *   threads    any
 *   spec       OpenAI "Create chat completion", "Streaming", "Error codes"; WHATWG HTML
 *              "Server-sent events"
 */
#pragma once

#include "shared/base.h"

struct text;

struct chunk {
    uint64_t number; /* of the answer */
    int64_t created_at;
    struct span model;
    bool has_usage; /* a piece: in it; the whole answer: always */
    uint32_t prompt_tokens, output_tokens;
};

/* The first piece of a stream says who speaks. finish: empty: it goes on. */
void chunk_begin(struct text *out, const struct chunk *chunk);
void chunk_add(struct text *out, const struct chunk *chunk, struct span piece);
void chunk_end(struct text *out, const struct chunk *chunk, struct span finish);

/* An event with JSON of somebody else's, and the last one. */
void chunk_pass(struct text *out, struct span json);
void chunk_done(struct text *out);

/* All of an answer, as one object. */
void chunk_whole(struct text *out, const struct chunk *chunk, struct span words,
                 struct span finish);

/* {"error":{...}} */
struct chunk_refusal {
    const char *type, *code; /* code: NULL: none */
    struct span why;
};
void chunk_refuse(struct text *out, const struct chunk_refusal *refusal);

/* One of the list of models. */
void chunk_model(struct text *out, struct span model, struct span owner, int64_t created_at);
