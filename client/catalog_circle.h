/* catalog_circle.h - the circles in the catalog, and what is sealed for them. Part of catalog.
 *
 *   units, ownership, threads, errors  catalog.h's
 */
#pragma once

#include "shared/base.h"

struct arena;
struct circle;
struct err;
struct store;
struct text;

/* All of its history put together, as of the horizon; to be freed by circle_free. */
MUST_CHECK bool catalog_circle(struct store *store, struct circle **circle,
                               const struct bytes32 *root, uint64_t horizon_ms, struct err *err);

/* What one amounts to that is created, as canonical JSON. */
void catalog_write_circle(struct text *out, struct circle *circle);

/* Circles that are here. */
MUST_CHECK bool catalog_circles(struct store *store, struct bytes32 **roots, size_t *count,
                                struct arena *arena, struct err *err);

/* Its entities in which events do nothing. */
MUST_CHECK bool catalog_idle(struct store *store, struct bytes32 **roots, size_t *count,
                             struct arena *arena, const struct bytes32 *circle, struct err *err);

/* The last events that are here of a writer, of each device in each entity of a circle. */
struct catalog_last {
    const struct bytes32 *circle, *author;
    struct bytes32 *ids; /* room for max */
    size_t count, max;
};
MUST_CHECK bool catalog_last(struct store *store, struct catalog_last *last, struct err *err);

/* An event of a circle that seals it: not to be told as it is. */
MUST_CHECK bool catalog_is_withheld(struct store *store, bool *is_withheld,
                                    const struct bytes32 *id, struct err *err);

/* The events that it was found sealed in. */
MUST_CHECK bool catalog_sealed_in(struct store *store, struct bytes32 **ids, size_t *count,
                                  struct arena *arena, const struct bytes32 *id, struct err *err);
