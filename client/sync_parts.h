/* sync_parts.h - what the files of sync share: what differs, found out in one of two ways, and what
 * is fetched.
 *
 *   ownership, threads  sync.h's
 */
#pragma once

#include <uv.h>

#include "client/link.h"
#include "client/sync.h"
#include "shared/arena.h"
#include "shared/filter.h"

enum { SYNC_BATCH_IDS = 100, SYNC_BATCHES = 4 };

struct sync_ids {
    struct bytes32 *at;
    size_t count, capacity;
    size_t next; /* not asked for yet */
};

/* One REQ for events that we lack. */
struct sync_batch {
    struct sync *sync;
    struct link_query *query;           /* NULL: not in use */
    struct bytes32 ids[SYNC_BATCH_IDS]; /* sorted */
    bool has_come[SYNC_BATCH_IDS];
    uint32_t count;
    uint32_t failures;
};

struct sync {
    struct sync_setup setup;
    struct filter filter;
    struct arena arena; /* of the filter */
    struct sync_counts counts;
    struct sig_keys *keys;      /* that signatures were checked with; NULL: none was */
    struct link_query *query;   /* that finds out what differs */
    uint32_t failures;          /* of it, in a row */
    struct sync_ids need, have; /* may hold doubles until all is known */
    struct sync_batch batches[SYNC_BATCHES];
    uint8_t *is_theirs; /* of records, while paging */
    struct sync_cursor cursor;
    int64_t page_until, page_since, page_oldest;
    uint64_t page_count;
    bool is_over, is_freed;
    uv_timer_t later; /* over is told from here, and memory goes with it */
    char why[200];    /* "": well */
};

/* Ends it; why NULL: well. */
void sync_end(struct sync *sync, const char *why);
void sync_end_by(struct sync *sync, struct span why);

/* Too many end it. */
void sync_note(struct sync *sync, struct sync_ids *ids, const struct bytes32 *id);

bool sync_has(const struct sync *sync, const struct bytes32 *id);

/* Takes an event that came, and that we lack; counts it when it is wrong. */
void sync_take(struct sync *sync, const struct event *event);

/* Each of them in the end calls sync_move. */
void sync_reconcile(struct sync *sync);
void sync_page(struct sync *sync);

/* All that is missing is known. */
void sync_move(struct sync *sync);

bool sync_is_lost(struct span why); /* the connection was */
