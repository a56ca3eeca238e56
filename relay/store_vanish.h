/* store_vanish.h - requests to vanish, held until what they delete has gone.
 *
 * The statement that carries one out deletes all that its author ever stored, in one transaction:
 * of some authors that is more than a statement may take. So that goes before, by a purge up to
 * the time of the request; the statement finds what was stored since. Meanwhile nothing that comes
 * of the author is stored: it keeps its order. If the purge fails or this process ends, the request
 * was not acknowledged, and goes on from there when it is sent again; what the author had deleted
 * before stays so, for deletions and earlier requests go with the statement only.
 *
 *   ownership  an item that is held is owned
 *   threads    loop thread only
 *   spec       NIP-62
 */
#pragma once

#include "relay/store_batch.h"
#include "relay/store_purge.h"

struct store_vanish;

/* The purge is as setup says, but of some authors at once. The turn of an item that is released has
 * come; it is not owned any more. It is called with setup's owner, never from within a call. */
struct store_vanish *store_vanish_new(const struct store_purge_setup *setup,
                                      void (*release)(void *owner, struct store_item *item));

/* Takes what is a request to vanish, or of an author who is vanishing. False: it may go on. */
MUST_CHECK bool store_vanish_hold(struct store_vanish *vanish, struct store_item *item);

/* Items that are held. */
uint32_t store_vanish_count(const struct store_vanish *vanish);

/* See store_purge_flush, store_purge_stop. Items go into the queue, in their order for each
 * author. */
void store_vanish_flush(struct store_vanish *vanish);
void store_vanish_stop(struct store_vanish *vanish, struct store_queue *queue);
void store_vanish_free(struct store_vanish *vanish);
