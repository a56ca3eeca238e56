/* reader.h - the connections that read pages.
 *
 * Pages that may be early are read from a standby of the shard if one is caught up (replica.h), and
 * whatever becomes of it, from the primary if not.
 *
 *   lifetime  what is unanswered is answered with NULL by reader_free
 *   threads   loop thread only
 *   errors    ERR_INTERNAL: the database is down, or its queue is full
 *   order     none between pages; never from within the call
 */
#pragma once

#include <uv.h>

#include "relay/page.h"

struct err;
struct reader;
struct shard;

/* shard is kept, not copied, and lives as long as the loop runs. */
struct reader *reader_new(uv_loop_t *loop, const struct shard *shard, uint32_t connections);
void reader_free(struct reader *reader);

bool reader_is_ready(const struct reader *reader);

/* See store_read. */
MUST_CHECK bool reader_read(struct reader *reader, const struct store_read *read, struct err *err);

/* See store_forget. */
void reader_forget(struct reader *reader, const void *owner);
