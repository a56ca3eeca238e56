/* store_probe.h - questions whether something can be committed now.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/db.h"
#include "relay/store.h"

struct store_probes;

struct store_probes *store_probes_new(struct db *writer, void (*wake)(void *owner), void *owner);

/* After writer, which has answered by then. What is asked is answered as failed. */
void store_probes_free(struct store_probes *probes);

/* See store_probe. */
void store_probes_add(struct store_probes *probes, store_settled_fn *reply, void *owner);

/* Answers those that failed; after wake. */
void store_probes_flush(struct store_probes *probes);

/* See store_forget. */
void store_probes_forget(struct store_probes *probes, const void *owner);
