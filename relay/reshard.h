/* reshard.h - shoal-relay shard: which shards there are, one more, and authors moved among them.
 *
 * All of it while relays serve. A bucket moves in steps: its events are copied; every relay is told
 * that routes are about to change, and says that it knows; what changed meanwhile is copied, and
 * the bucket's home is changed, while its authors' writes wait; what was left behind is deleted.
 * A move that was cut short is ended by running it again.
 *
 *   threads  blocking; a tool's own process
 *   errors   said on stderr; the exit status says
 */
#pragma once

#include "shared/base.h"

struct config;

struct reshard {
    const char *const *words; /* "list" | "add" CONNINFO [SCHEMA] | "read" SHARD CONNINFO |
                                 "move" FIRST[-LAST] SHARD | "balance"; then NULL */
    int64_t grace_s;          /* before what was left behind is deleted: for pages being read */
};

int reshard_run(const struct config *config, const struct reshard *options);
