/* prose_parts.h - what is behind the handle of prose.h. Part of prose. */
#pragma once

#include "client/prose.h"
#include "shared/arena.h"

struct prose_entry {
    struct prose_update update;
    size_t turn;  /* how many were put before */
    bool is_void; /* for who wrote it */
    bool is_lost; /* its clocks or its client are another's; once it was judged */
};

struct prose {
    struct arena arena;
    uint64_t client;
    struct doc *doc;
    struct prose_entry *entries;
    size_t count, lost;
    bool is_stale; /* to be judged anew */
};

/* Judges what is to be judged. */
void prose_settle(struct prose *prose);

/* When all that keeps its clocks is in the document: what the others leave. */
void prose_fill(const struct prose *prose, struct doc *doc);
