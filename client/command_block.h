/* command_block.h - the blocks that are in the store. Part of command.
 *
 *   ownership  what is handed over is valid for the call
 *   errors     the store's
 */
#pragma once

#include "client/block.h"
#include "client/command.h"

struct catalog_event;

/* False from the function ends it. */
typedef bool block_fn(void *owner, const struct catalog_event *event, const struct block *block);

/* Those that can be read, of an author or of anybody (NULL); the newest first. */
MUST_CHECK bool block_each(struct store *store, const struct bytes32 *author, block_fn *fn,
                           void *owner, struct err *err);

/* All of a file, or of standard input where it is "-": at most PEN_TEXT_BYTES_MAX. */
MUST_CHECK bool block_read_file(struct span *bytes, struct arena *arena,
                                const struct command_call *call, const char *path, struct err *err);
