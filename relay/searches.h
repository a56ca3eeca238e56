/* searches.h - NIP-50 over all shards: each searches its own events, and the best of all are kept.
 *
 * With one shard every call is the search's own. Shards that are added are noticed; while authors
 * move, their events may be missing here for a while, as may those just stored.
 *
 *   threads  loop thread only
 *   errors   ERR_RATE_LIMITED
 *   spec     NIP-50
 */
#pragma once

#include "relay/search.h"

struct searches;
struct shards;

struct searches_setup {
    const struct shards *shards;
    const struct kind_set *kinds; /* that are indexed; kept, not copied, as the other */
    const char *configuration;    /* of who names no language */
    bool indexes;                 /* this process does it, on those shards that elect it */
};

struct searches *searches_new(uv_loop_t *loop, const struct searches_setup *setup);

/* See search.h; what one shard cannot answer is not answered. */
void searches_free(struct searches *searches);
MUST_CHECK bool searches_have_room(const struct searches *searches, struct err *err);
void searches_ask(struct searches *searches, const struct search_call *call);
void searches_forget(struct searches *searches, const void *owner);
