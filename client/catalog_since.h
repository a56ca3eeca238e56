/* catalog_since.h - the log in the order in which it came. Part of catalog.
 *
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/catalog.h"

/* Where the log ends. */
MUST_CHECK bool catalog_place(struct store *store, int64_t *place, struct err *err);

/* What came after a place, the first first, up to max; the place is moved behind it. What is ahead
 * of its time is passed over. */
MUST_CHECK bool catalog_since(struct store *store, struct catalog_events *events,
                              struct arena *arena, int64_t *place, size_t max, struct err *err);
