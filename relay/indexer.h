/* indexer.h - the words of stored events into the index that searches use, in the background.
 *
 * One process of all relays on a shard does it, elected by an advisory lock. First what was there
 * is walked from the newest down, then what is committed is followed in commit order. How far that
 * is gets committed with the words, so nothing is left out; a crash does a little twice. Who moves
 * events here from another shard sets it back to the newest. While the relay is busy with events,
 * the indexer works a tenth of the time, and falls behind.
 *
 *   threads  loop thread only
 *   errors   logged; an event whose words PostgreSQL refuses is left out
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct indexer;
struct kind_set;
struct shard;

struct indexer_setup {
    const struct shard *shard;    /* kept, not copied, as are the others */
    const struct kind_set *kinds; /* to be indexed */
    const char *configuration;    /* of events that name no language */
};

struct indexer *indexer_new(uv_loop_t *loop, const struct indexer_setup *setup);
void indexer_free(struct indexer *indexer);
