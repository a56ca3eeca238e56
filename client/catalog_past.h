/* catalog_past.h - what is in the catalog as it was: with the events up to a cut in the order of
 * their stamps. Part of catalog.
 *
 * An event counts then if it counts by all that is known now: the rules of a circle are those of
 * its whole history, so that nobody who was removed gets into the past by a false date. A circle
 * itself is what its history up to the cut makes of it.
 *
 *   units      cut: a stamp of hlc.h; UINT64_MAX: as it is now
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/catalog.h"

struct circle;

/* As catalog_load, catalog_circle and catalog_events. */
MUST_CHECK bool catalog_load_at(struct store *store, struct replica **replica,
                                const struct bytes32 *root, uint64_t cut, struct err *err);
MUST_CHECK bool catalog_circle_at(struct store *store, struct circle **circle,
                                  const struct bytes32 *root, uint64_t cut, struct err *err);
struct catalog_events_call {
    const struct bytes32 *root; /* NULL: of all */
    uint64_t cut;               /* to the millisecond */
    size_t max;
};
MUST_CHECK bool catalog_events_at(struct store *store, struct catalog_events *events,
                                  struct arena *arena, const struct catalog_events_call *call,
                                  struct err *err);

/* What an entity came to with each of its events, the oldest first. */
struct catalog_trace {
    struct bytes32 root;
    uint64_t cut;
    size_t max; /* of events */
    void *owner;
    void (*step)(void *owner, const struct replica *replica, const struct catalog_event *event);
};

/* events: those that step was told of, in the arena. ERR_INVALID: it is no entity here, or was none
 * then. */
MUST_CHECK bool catalog_trace(struct store *store, struct arena *arena,
                              const struct catalog_trace *trace, struct err *err);
