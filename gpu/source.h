/* source.h - where answers come from: a model of this node, or another server.
 *
 * What is submitted is told in pieces, then its end, exactly once, also when it was cancelled.
 *
 *   ownership  the ask is borrowed until the end has been told; what is told, for the call
 *   threads    loop thread only, and nothing is told within a call of submit or cancel
 */
#pragma once

#include "gpu/reply.h"

struct stint_list;

struct source_piece {
    struct span text;       /* may be empty, while it is held back */
    const uint32_t *tokens; /* since the piece before it; none where they are not known */
    uint32_t token_count;
};

struct source_end {
    bool is_refused;
    struct refusal refusal; /* why; or */
    enum answer_end end;
    const float *embedding; /* (width); NULL */
    uint32_t width;
    struct reply_usage usage;
    struct span payment; /* a token that goes back; where it is refused with 402, what is wanted */
    const struct stint_list *stints; /* what other nodes' stages did of it; NULL: nothing */
    struct span receipt;             /* of what was paid, an event as JSON */
    struct span tokens;              /* that it is about, each as four bytes, the lowest first */
};

typedef void source_piece_fn(void *owner, uint64_t number, const struct source_piece *piece);
typedef void source_end_fn(void *owner, uint64_t number, const struct source_end *end);

/* The first member of whatever it is. */
struct source {
    /* number: the caller's, of no other job that has not ended. index: of the ask's inputs. */
    void (*submit)(struct source *source, uint64_t number, const struct ask *ask, uint32_t index);
    void (*cancel)(struct source *source, uint64_t number);
    source_piece_fn *piece; /* who listens */
    source_end_fn *end;
    void *owner;
};
