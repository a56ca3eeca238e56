/* store_retention.h - events that are too old go, by one process at a time.
 *
 * Now and then, and the sooner the less is kept: which kinds are stored is asked, and of each what
 * is past its age is purged. Who asks holds a lock until it is done, or its connection is lost.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/db.h"

struct reader;
struct retention;
struct shard;
struct store_purge;
struct store_retention;

struct store_retention_setup {
    const struct retention *rules; /* kept, not copied; NULL: everything stays */
    const struct shard *shard;     /* likewise */
    struct db *writer;
    struct reader *reader;
    struct store_purge *purge;
};

struct store_retention *store_retention_new(uv_loop_t *loop,
                                            const struct store_retention_setup *setup);

/* After writer, which has answered by then; before reader and purge. */
void store_retention_free(struct store_retention *retention);

/* Now; or as soon as the reader is ready. */
void store_retention_run(struct store_retention *retention);
