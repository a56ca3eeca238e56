/* inbox.h - private messages: the gift wraps of the log, opened once, and what was in them.
 *
 * What was opened is kept beside the log, since who holds the key may not be asked each time; it
 * can be made anew from log and key. A wrap that cannot be opened is kept, too, with the reason.
 *
 *   ownership  results live in the arena
 *   threads    the store's
 *   errors     the store's; ERR_RESTRICTED: the holder refuses to open anything
 *   spec       NIP-17, NIP-59
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct holder;
struct store;

struct inbox_counts {
    uint64_t opened, unreadable;
};

/* Opens what came for the holder since the last time, in transactions of its own where none is
 * open. */
MUST_CHECK bool inbox_open(struct store *store, struct inbox_counts *counts,
                           const struct holder *holder, struct err *err);

struct inbox_letter {
    struct bytes32 wrap;
    struct bytes32 id, author, conversation; /* of what was in it */
    uint16_t kind;
    int64_t created_at;
    struct span rumor;  /* JSON; empty when it is unreadable */
    struct span reason; /* then why */
};
struct inbox_letters {
    struct inbox_letter *at;
    size_t count;
};

struct inbox_call {
    const struct bytes32 *reader;
    const struct bytes32 *conversation; /* NULL: all */
    const uint16_t *kind;               /* NULL: all that one person says to others */
    bool is_unreadable;                 /* those alone; else those that were opened */
};

/* Messages of any reader that were opened here and hold all of the words, the best first: with no
 * type. */
struct catalog_finds;
MUST_CHECK bool inbox_find(struct store *store, struct catalog_finds *finds, struct arena *arena,
                           struct span words, size_t max, struct err *err);

/* Each message once, the oldest first. */
MUST_CHECK bool inbox_list(struct store *store, struct inbox_letters *letters, struct arena *arena,
                           const struct inbox_call *call, struct err *err);

/* Whose letters were opened here, when they are one person's. */
MUST_CHECK bool inbox_reader(struct store *store, bool *is_one, struct bytes32 *reader,
                             struct err *err);
