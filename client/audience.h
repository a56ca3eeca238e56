/* audience.h - the people whom an event names, and the relays where they read what is for them.
 *
 * It goes there besides ours. Of whom no list is here, some relay is asked for it when there is a
 * network: until then the event waits to be routed.
 *
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's
 *   spec       NIP-65
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct store;

enum {
    AUDIENCE_PEOPLE_MAX = 50,  /* of an event; of the rest none is told */
    AUDIENCE_TIMES = 3,        /* relays at which one person is told */
    AUDIENCE_RELAYS_MAX = 12,  /* of an event */
    AUDIENCE_ROUTED_MAX = 500, /* events at once */
};

struct audience {
    struct span
        *relays; /* each once, ours as we spell them; what most of the people read is first */
    size_t relay_count;
    struct bytes32 *unknown; /* people without a list here */
    size_t unknown_count;
};

/* Nobody, for what is no note, comment, reaction or repost, or is protected (NIP-70). */
MUST_CHECK bool audience_find(struct store *store, struct audience *audience, struct arena *arena,
                              const struct event *event, struct err *err);

/* Whose lists are to be asked for, each once, for all that waits. */
MUST_CHECK bool audience_unknown(struct store *store, struct bytes32 **people, size_t *count,
                                 struct arena *arena, struct err *err);

/* All that waits is queued as far as is known by now, and waits no more. relays: which it is
 * queued for. */
MUST_CHECK bool audience_route(struct store *store, struct span **relays, size_t *count,
                               struct arena *arena, struct err *err);
