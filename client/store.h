/* store.h - everything that this device knows, and what it still has to tell: one SQLite database.
 *
 * The log of events is the truth, and with it what is still to be sent (outbox.h), which relays
 * there are, and how far each was asked. All else is made from the log, and can be made anew.
 *
 * Whatever changes several things is one transaction, begun and committed here, so that a crash at
 * any moment leaves all of it or nothing; what is called outside of one is one by itself. After a
 * failure within a transaction it is to be rolled back.
 *
 *   units      *_ms: unix milliseconds
 *   ownership  store_open to store_close; results live in the arena given
 *   threads    one at a time. Any number of processes may have a store open: writers take turns
 *   errors     ERR_INTERNAL: the system says no: disk full, somebody else writes and does not end;
 *              ERR_INVALID: the file is damaged; ERR_UNSUPPORTED: a newer shoal made it;
 *              ERR_RESTRICTED: others may read it. What was committed before stays
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct sql;
struct store;
struct text;

enum { STORE_PATH_MAX = 4096 };

enum store_verdict {
    STORE_NEW,
    STORE_DUPLICATE,   /* known already */
    STORE_QUARANTINED, /* new and kept, but ahead of our clock: it counts when its time comes */
    STORE_EPHEMERAL,   /* of a kind that nobody keeps; neither stored nor queued */
};

/* The folder named, or else $SHOAL_HOME, or shoal in the user's data folder. */
MUST_CHECK bool store_folder(char folder[STORE_PATH_MAX], const char *named, struct err *err);

/* The file in the folder that each commit touches, for whoever waits for what others write. */
MUST_CHECK bool store_lock_path(char path[STORE_PATH_MAX], const char *folder, struct err *err);

/* Opens the store in folder, made with mode 0700 where there is none. NULL on failure. */
MUST_CHECK struct store *store_open(const char *folder, uint64_t now_ms, struct err *err);

/* What is not committed is rolled back. store may be NULL. */
void store_close(struct store *store);

/* The clock by which what is put is judged to be ahead; it only moves forward. */
MUST_CHECK bool store_advance(struct store *store, uint64_t now_ms, struct err *err);

/* No other process writes from begin to commit, so that what was read still holds. */
MUST_CHECK bool store_begin(struct store *store, struct err *err);
MUST_CHECK bool store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/* Keeps an event whose id and signature are right, which the caller has checked, and queues it for
 * each of the relays that it was not queued for before. */
MUST_CHECK bool store_put(struct store *store, enum store_verdict *verdict,
                          const struct event *event, const struct span *relays, size_t relay_count,
                          struct err *err);

/* Keeps what is left of an event that was taken back (redaction.h) and is not here: its id is not
 * the hash of that, and its author's signature is of the id alone. */
MUST_CHECK bool store_put_stub(struct store *store, const struct event *event, struct err *err);

/* The event as one line of JSON; json->len is 0 when it is not here. */
MUST_CHECK bool store_get(struct store *store, struct span *json, struct arena *arena,
                          const struct bytes32 *id, struct err *err);
MUST_CHECK bool store_has(struct store *store, bool *has, const struct bytes32 *id,
                          struct err *err);

/* Every event that is whole, in the order they came. False from the function ends it. */
typedef bool store_each_fn(void *owner, const struct bytes32 *id, struct span json);
MUST_CHECK bool store_each(struct store *store, store_each_fn *fn, void *owner, struct err *err);

/* What is wrong with the database as such, in words; nothing when nothing is. */
MUST_CHECK bool store_check(struct store *store, struct text *out, struct err *err);

/* Puts all that can be read of a damaged store into a new one, and the damaged one aside. saved:
 * how many events. It must not be open. */
MUST_CHECK bool store_salvage(const char *folder, uint64_t now_ms, uint64_t *saved,
                              struct err *err);

/* This device, of which "w" tags speak: random, made with the store. */
uint64_t store_device(const struct store *store);

/* How far a relay was asked about something; key: what, in the caller's words. */
struct store_cursor {
    int64_t since; /* unix seconds: everything up to there is here; 0: nothing is known to be */
    int64_t until; /* where paging back from now has come to; 0: it is not under way */
};
MUST_CHECK bool store_cursor(struct store *store, struct store_cursor *cursor, struct span relay,
                             struct span key, struct err *err);
MUST_CHECK bool store_set_cursor(struct store *store, const struct store_cursor *cursor,
                                 struct span relay, struct span key, struct err *err);

/* The relays that new events are queued for, in the order of their URLs. To remove one also forgets
 * how far it was asked, and what is still queued for it. */
MUST_CHECK bool store_relays(struct store *store, struct span **urls, size_t *count,
                             struct arena *arena, struct err *err);
MUST_CHECK bool store_add_relay(struct store *store, struct span url, struct err *err);
MUST_CHECK bool store_remove_relay(struct store *store, bool *was_there, struct span url,
                                   struct err *err);

/* For the other modules that keep things in the same database. */
struct sql *store_sql(struct store *store);
