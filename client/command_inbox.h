/* command_inbox.h - messages by the names that people give them. Part of command.
 *
 *   ownership  results live in the arena
 */
#pragma once

#include "client/direct.h"

struct arena;
struct err;
struct store;

struct inbox_name {
    const struct bytes32 *reader;
    const char *word; /* how the id of a message begins */
};

/* The message, and its id. ERR_INVALID: none is called so, or several. */
MUST_CHECK bool inbox_resolve(struct store *store, struct direct *direct, struct bytes32 *id,
                              struct arena *arena, const struct inbox_name *name, struct err *err);
