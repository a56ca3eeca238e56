/* command_checkpoint.h - the checkpoints that are in the store. Part of command.
 *
 *   errors  the store's
 */
#pragma once

#include "client/command.h"

struct store;

struct checkpoint_tally {
    size_t right, wrong;
    size_t open; /* what they cover is not all here any more, or not yet */
};

/* Of the newest, up to max. */
MUST_CHECK bool checkpoint_tally(struct store *store, struct checkpoint_tally *tally, int64_t max,
                                 struct err *err);
