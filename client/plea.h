/* plea.h - a chat as an application asks for it in OpenAI's shape: what of it matters to whoever
 * hands it on, and all of it, member by member, as it came.
 *
 *   units      tokens
 *   ownership  what is read points into the text or the arena
 *   threads    any
 *   errors     ERR_INVALID: no such request, or one that could be read in two ways
 *   bounds     PLEA_MEMBERS_MAX; the text is bounded by whoever took it in
 *   spec       OpenAI's "Create chat completion"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum { PLEA_MEMBERS_MAX = 64, PLEA_MODEL_BYTES_MAX = 200, PLEA_TOKENS_MAX = 1 << 24 };

struct plea_member {
    struct span name, value; /* value: its JSON */
};

struct plea {
    struct plea_member members[PLEA_MEMBERS_MAX]; /* each name once */
    size_t count;
    struct span model;    /* empty: any */
    struct span messages; /* a JSON list */
    uint32_t tokens_max;  /* 0: not said */
    bool streams;
    bool wants_usage; /* at the end of a stream */
};

MUST_CHECK bool plea_read(struct plea *plea, struct arena *arena, struct span json,
                          struct err *err);

/* Its JSON; empty: it is not there, or null. */
struct span plea_find(const struct plea *plea, const char *name);

/* What is said instead of what came. */
struct plea_terms {
    struct span model;
    uint32_t tokens_max; /* of the answer; 1 at least */
    bool streams;        /* with its usage at the end */
};

/* The same request on these terms. */
void plea_write(struct text *out, const struct plea *plea, const struct plea_terms *terms);
