/* store_purge.h - all events that match a filter go, a few at a time.
 *
 * They are found by pages, as for a reader, and deleted by their places; each deletion is a
 * transaction of its own that also notifies every process which events are gone. It begins anew
 * until there is nothing to delete, for what was stored meanwhile, unless it is to be brief.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/db.h"
#include "relay/store.h"

struct reader;
struct store_purge;

struct store_purge_setup {
    struct db *writer;
    struct reader *reader;
    const char *channel;       /* of notifications; kept, not copied */
    void (*wake)(void *owner); /* something waits for store_purge_flush */
    void *owner;
    uint32_t rows;                             /* of a page; 0: STORE_PAGE_ROWS_MAX */
    uint32_t at_once;                          /* purges; 0: one after another */
    bool (*spares)(const struct event *event); /* what stays although it matches; NULL: nothing */
    bool is_brief; /* what was stored meanwhile is left: it does not begin anew */
};

struct store_purge *store_purge_new(const struct store_purge_setup *setup);

/* From now on nothing is asked of writer or reader, so that they can be freed. */
void store_purge_stop(struct store_purge *purge);
void store_purge_free(struct store_purge *purge);

/* See store_purge. */
void store_purge_add(struct store_purge *purge, const struct filter *filter, store_purged_fn *done,
                     void *owner);
void store_purge_flush(struct store_purge *purge);

/* See store_forget. */
void store_purge_forget(struct store_purge *purge, const void *owner);
