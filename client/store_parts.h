/* store_parts.h - what the files of the store share.
 *
 *   ownership, threads, errors  store.h's
 */
#pragma once

#include "client/catalog_tags.h"
#include "client/store.h"

struct store {
    struct sql *sql;
    int lock_fd; /* shared while the store is open, exclusive while it is made or saved */
    uint64_t now_ms, device;
    bool is_begun;                                           /* by store_begin */
    void (*watch)(void *owner, uint64_t done, uint64_t all); /* catalog_watch; or NULL */
    void *watcher;
    struct catalog_tags tags; /* while the catalog takes events in */
};

/* Begins a transaction of its own where none is open; store_leave commits it, or on failure rolls
 * it back, and returns ok. */
MUST_CHECK bool store_enter(struct store *store, bool *is_own, struct err *err);
MUST_CHECK bool store_leave(struct store *store, bool is_own, bool ok, struct err *err);

/* Makes the database at path, with the tables of this version; what one that was killed left is
 * removed. */
MUST_CHECK bool store_make(const char *path, struct err *err);

/* That it is ours, and of this version; an older one is brought up to it. */
MUST_CHECK bool store_migrate(struct sql *sql, struct err *err);

/* What id is indexed by: as many of its bytes as a number of SQLite holds, in their order. */
int64_t store_hash_of(const struct bytes32 *id);

/* The place of an event in the log; 0 when it is not there. */
MUST_CHECK bool store_find(struct store *store, int64_t *n, const struct bytes32 *id,
                           struct err *err);

/* The number of a relay, given to it when it had none. */
MUST_CHECK bool store_relay(struct store *store, int64_t *number, struct span url, struct err *err);

/* Of a store that is being saved: its wallet, as far as it can be read. */
MUST_CHECK bool store_salvage_purse(struct store *to, struct sql *from, struct err *err);
