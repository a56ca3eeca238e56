/* store_expiry.h - expired events go, every minute, a few at a time.
 *
 *   threads  loop thread only
 *   spec     NIP-40
 */
#pragma once

#include "relay/db.h"

struct shard;
struct store_expiry;

struct store_expiry *store_expiry_new(uv_loop_t *loop, struct db *db, const struct shard *shard);

/* After db, which has answered by then. */
void store_expiry_free(struct store_expiry *expiry);

/* Now. */
void store_expiry_run(struct store_expiry *expiry);
