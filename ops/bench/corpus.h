/* corpus.h - a file of events, one a line, as bench_make writes them.
 *
 *   ownership  the spans point into the file, which stays mapped
 */
#pragma once

#include "ops/bench/lookup.h"
#include "shared/base.h"

struct dice;

struct corpus_event {
    struct span json;
    const char *id, *pubkey; /* 64 hex digits */
    int64_t created_at;
    uint32_t kind;
};

struct corpus {
    struct corpus_event *events;
    size_t count;
    struct lookup by_id; /* number + 1 */
};

/* count lines after the first skip ones; 0: all. */
void corpus_open(struct corpus *corpus, const char *path, size_t skip, size_t count);
void corpus_clear(struct corpus *corpus);

/* NULL when id, 64 hex digits, is not one of them. */
const struct corpus_event *corpus_find(const struct corpus *corpus, struct span id);

/* Some event; of a kind, if that is not negative. */
const struct corpus_event *corpus_pick(const struct corpus *corpus, struct dice *dice, int kind);

/* The value of a random tag that begins with open, such as ["p"," */
struct span corpus_pick_tag(const struct corpus *corpus, struct dice *dice, const char *open,
                            int kind);
