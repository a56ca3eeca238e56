/* reply.h - what is said to a request, in the words of the API that it came by.
 *
 * A dialect is one call of one API: how its answers look, whole or as frames of a stream. An answer
 * has a part for each input; a stream tells them one after the other.
 *
 *   units      tokens, nanoseconds
 *   ownership  all is borrowed; what is written is added to out
 *   threads    pure
 *   spec       https://platform.openai.com/docs/api-reference; Ollama's docs/api.md
 */
#pragma once

#include "gpu/answer.h"
#include "gpu/ask.h"
#include "shared/text.h"

struct reply_usage {
    uint32_t prompt_tokens, kept_tokens, tokens;
    uint64_t waited_nanoseconds, prompt_nanoseconds, nanoseconds;
};

struct reply_part {
    struct text text;
    enum answer_end end;
    float *embedding; /* (width); NULL */
    bool has_begun;   /* something of it was said */
};

struct reply {
    const struct ask *ask;
    struct span model; /* that answers */
    uint64_t number;   /* no other of this node has it */
    int64_t created_at, created_nanoseconds;
    uint64_t total_nanoseconds; /* since it came */
    struct reply_usage usage;
    uint32_t index, width;    /* index: of the part at hand */
    struct reply_part *parts; /* (inputs, or 1 of a chat) */
    uint32_t part_count;
};

struct dialect {
    const char *stream_type; /* of a stream's content; a whole answer is JSON */
    bool (*read)(struct ask *ask, struct arena *arena, struct span body, struct refusal *refusal);
    void (*whole)(struct text *out, const struct reply *reply);
    void (*begin)(struct text *out, const struct reply *reply); /* of a part */
    void (*piece)(struct text *out, const struct reply *reply, struct span piece);
    void (*end)(struct text *out, const struct reply *reply); /* of a part */
    void (*finish)(struct text *out, const struct reply *reply);
    void (*fail)(struct text *out, const struct refusal *refusal); /* within a stream */
    void (*refuse)(struct text *out, const struct refusal *refusal);
};

/* "stop" or "length". */
const char *reply_why(enum answer_end end);

/* [0.1,-2,...] */
void reply_write_vector(struct text *out, const float *vector, uint32_t width);

/* 2026-11-21T20:18:29.000000001Z */
void reply_write_time(struct text *out, int64_t at, int64_t nanoseconds);
