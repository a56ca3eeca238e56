/* store_route.h - a store among others: by which routes puts come here, and what they are now.
 *
 * The table of homes is asked for on the connection that writes.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/db.h"
#include "relay/store.h"

struct route;

/* By which way it came here, where there are several shards. */
struct store_way {
    int64_t version; /* of the routes gone by */
    bool is_copy;    /* of a deletion that lives on another shard: it takes effect, and no more */
    bool has_copies; /* a deletion of which one may be here, if its author has moved since */
};

void store_put_by(struct store *store, const struct store_put *put, const struct store_way *way);

/* Asks for the routes in this shard's schema. In the reply route is NULL when none are newer than
 * known (NULL: any); is_good is false when the database is down or refused. False, and no reply,
 * when it cannot be asked. */
typedef void store_route_fn(void *owner, struct route *route, bool is_good);
MUST_CHECK bool store_ask_route(struct store *store, const struct route *known,
                                store_route_fn *reply, void *owner);

/* Says that this process goes by those routes, and not by the old ones any more; NULL: none. */
void store_hold_route(struct store *store, const struct route *route, const struct route *old);

/* The same, of the connection. */
MUST_CHECK bool store_route_ask(struct db *db, const struct shard *shard, const struct route *known,
                                store_route_fn *reply, void *owner);
void store_route_hold(struct db *db, const struct route *route, const struct route *old);
