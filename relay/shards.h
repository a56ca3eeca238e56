/* shards.h - the events of all shards, as if they were one store's.
 *
 * An event is put where its author lives, and pages of several shards are merged into one. What
 * deletes gift wraps is put on every shard: at home last, so that what is acknowledged has
 * reached them all. With one shard every call is the store's own. Shards that are added, and
 * authors that move, are noticed while it runs.
 *
 *   ownership  as store.h says
 *   threads    loop thread only
 *   order      announcements come in commit order, shard by shard
 */
#pragma once

#include <uv.h>

#include "relay/store.h"

struct shards;

enum { SHARDS_MAX = 64 };

struct shards_setup {
    const struct shard *first; /* kept, not copied: the others are listed in its schema */
    uint32_t readers;          /* connections for pages, per shard */
    store_foreign_fn *on_foreign;
    store_on_purged_fn *on_purged;    /* may be NULL, as those below */
    store_caught_up_fn *on_caught_up; /* on all shards */
    store_fetch_fn *on_fetch;         /* from any of them */
    void *owner;
    const struct retention *retention; /* kept, not copied; NULL: everything stays */
};

struct shards *shards_new(uv_loop_t *loop, const struct shards_setup *setup);

/* Everything unsettled is settled as failed first. */
void shards_free(struct shards *shards);

/* Whether puts and pages can be tried now, on every shard. */
bool shards_is_ready(const struct shards *shards);

/* As far as is known by now. NULL: there are fewer. Lives as long as the process. */
const struct shard *shards_at(const struct shards *shards, uint32_t number);

/* The number of the shard that the author's events are on. */
uint32_t shards_home(const struct shards *shards, const struct bytes32 *pubkey);

/* See the store's functions of these names. */
void shards_put(struct shards *shards, const struct store_put *put);
void shards_forward(struct shards *shards, const struct event *event);
MUST_CHECK bool shards_read(struct shards *shards, const struct store_read *read, struct err *err);
void shards_forget(struct shards *shards, const void *owner);
void shards_purge(struct shards *shards, const struct filter *filter, store_purged_fn *done,
                  void *owner);
void shards_probe(struct shards *shards, store_settled_fn *reply, void *owner);
