/* catalog_watch.h - how far the catalog is with what it takes in. Part of catalog.
 *
 *   threads    the store's
 */
#pragma once

#include "shared/base.h"

struct store;

/* Is told while events are taken in: how many of all. fn NULL: not any more. */
typedef void catalog_watch_fn(void *owner, uint64_t done, uint64_t all);
void catalog_watch(struct store *store, catalog_watch_fn *fn, void *owner);
