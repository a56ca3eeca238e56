/* upstream.h - what is said to another server that has a model, and what it answers.
 *
 * An answer is read as it comes: server-sent events of OpenAI's API, or lines of Ollama's. An
 * embedding, and the reason of a refusal, are read when all of it has come.
 *
 *   units      bytes
 *   ownership  upstream_clear frees what a reader holds; what is told is borrowed for the call
 *   threads    pure
 *   errors     a damaged answer, with the reason, in the reader
 */
#pragma once

#include "gpu/reply.h"

enum {
    UPSTREAM_LINE_BYTES_MAX = 1 << 20,
    UPSTREAM_BODY_BYTES_MAX = 1 << 23,
    UPSTREAM_ANSWER_BYTES_MAX = 1 << 26
};

enum upstream_api { UPSTREAM_OPENAI, UPSTREAM_OLLAMA };

typedef void upstream_tell_fn(void *owner, struct span piece);

struct upstream_reader {
    enum upstream_api api;
    enum ask_kind kind;
    upstream_tell_fn *tell; /* what is said, as it comes */
    void *owner;
    struct text held;  /* the line, or the body, so far */
    uint64_t came;     /* bytes */
    bool has_finished; /* the answer has said that it ends */
    bool is_damaged;   /* and why: */
    char why[160];
    enum answer_end end;
    struct reply_usage usage;
    float *embedding;
    uint32_t width;
};

/* Below the base of its API. */
const char *upstream_path(enum upstream_api api, enum ask_kind kind);

/* What the API has no word for; NULL when it can be asked all of this. */
const char *upstream_lacks(enum upstream_api api, const struct ask *ask, uint32_t index);

/* The body of a request for one of the ask's inputs. */
void upstream_write(struct text *body, enum upstream_api api, const struct ask *ask, uint32_t index,
                    const char *model);

/* Pieces of an answer. False once it is damaged. */
MUST_CHECK bool upstream_read(struct upstream_reader *reader, struct span bytes);

/* Nothing more will come. */
void upstream_end(struct upstream_reader *reader);

/* What an answer that is no success gives as its reason, of either API. */
void upstream_reason(char *out, size_t size, struct span body);

void upstream_clear(struct upstream_reader *reader);
