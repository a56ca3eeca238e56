/* store_purge.h - expired events go, every minute, a few at a time.
 *
 *   threads  loop thread only
 *   spec     NIP-40
 */
#pragma once

#include "relay/db.h"

struct shard;
struct store_purge;

struct store_purge *store_purge_new(uv_loop_t *loop, struct db *db, const struct shard *shard);

/* After db, which has answered by then. */
void store_purge_free(struct store_purge *purge);

/* Now. */
void store_purge_run(struct store_purge *purge);
