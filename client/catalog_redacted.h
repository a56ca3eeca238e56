/* catalog_redacted.h - events that their authors took back, as far as the catalog knows. Part of
 * catalog.
 *
 *   threads, errors  catalog.h's
 */
#pragma once

#include "client/store.h"

/* Its author asked for it, by a request that is here. */
MUST_CHECK bool catalog_is_taken_back(struct store *store, bool *is_it, const struct event *event,
                                      struct err *err);

/* What is left of each (redaction.h), in the order they came, but for what is not to be told. */
MUST_CHECK bool catalog_each_redacted(struct store *store, store_each_fn *fn, void *owner,
                                      struct err *err);
