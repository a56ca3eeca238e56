/* command_note.h - what somebody wrote, found and shown. Part of command.
 *
 *   ownership  notes live in the arena
 *   threads    the store's
 *   errors     the store's
 */
#pragma once

#include "client/catalog.h"
#include "client/command.h"
#include "client/thread.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/text.h"

struct note {
    struct event event;
    struct span json;
    struct thread thread;
    int depth;
};

struct notes {
    struct store *store;
    struct arena *arena;
    struct note *at;
    size_t count, max;
    bool is_first_only; /* no answers */
};

struct feed {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct text out;
};

/* For catalog_each, with struct notes. */
bool note_add(void *owner, const struct catalog_event *found);

/* The events of a kind that name another in a tag of that letter. */
MUST_CHECK bool note_find_naming(struct notes *notes, char letter, const struct bytes32 *id,
                                 uint16_t kind, catalog_fn *fn, struct err *err);

MUST_CHECK bool note_write(struct feed *feed, const struct note *note, struct err *err);
