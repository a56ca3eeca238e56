/* command_checkpoint.h - the checkpoints that are in the store. Part of command.
 *
 *   errors  the store's
 */
#pragma once

#include "client/command.h"

struct arena;
struct checkpoint;
struct store;

struct checkpoint_tally {
    size_t right, wrong;
    size_t open; /* what they cover is not all here any more, or not yet */
};

/* Of the newest, up to max. */
MUST_CHECK bool checkpoint_tally(struct store *store, struct checkpoint_tally *tally, int64_t max,
                                 struct err *err);

/* The checkpoint that a word names; in the arena. */
MUST_CHECK bool checkpoint_load(struct store *store, struct checkpoint *said, struct arena *arena,
                                const char *word, struct err *err);

/* why: what is wrong with it, by the events that are here; NULL: nothing is. is_open: not all of
 * them are here any more, or yet. */
MUST_CHECK bool checkpoint_judge(struct store *store, const char **why, bool *is_open,
                                 const struct checkpoint *said, struct err *err);
