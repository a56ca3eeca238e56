/* pool.h - threads that share work, and do not collapse when the machine has other work too.
 *
 * A job is chunks, which whoever is free takes; a thread that the system has taken away holds up
 * one chunk, not its share. Who waits spins for a moment, then sleeps.
 *
 *   ownership  pool_free ends the threads
 *   threads    one at a time runs jobs; a chunk must touch what no other chunk touches
 */
#pragma once

#include "shared/base.h"

struct pool;

enum { POOL_THREADS_MAX = 256, POOL_CHUNKS_MAX = (1 << 20) - 1 };

/* threads: with the one that calls; 0 to have as many as there are cores. */
struct pool *pool_new(uint32_t threads);
void pool_free(struct pool *pool);

uint32_t pool_threads(const struct pool *pool);

/* thread: below pool_threads, of whoever runs the chunk. */
typedef void pool_fn(void *job, uint32_t chunk, uint32_t thread);

/* Runs every chunk below chunks once, and returns when all are done. */
void pool_run(struct pool *pool, pool_fn *fn, void *job, uint32_t chunks);
