/* catalog.h - what the store's log amounts to: entities, what waits for what, who wrote when, and
 * the words in all of it.
 *
 * All of it is made from the log, the first time that anybody asks after events came; to throw it
 * away and make it anew changes nothing. It is a function of the set of events in the log and of
 * the store's clock, whatever the order they came in.
 *
 *   units      horizon_ms, due_ms: unix milliseconds
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct filter;
struct replica;
struct store;

/* Takes in what came since the last time; every function here does so first. */
MUST_CHECK bool catalog_settle(struct store *store, struct err *err);

/* SHA-256 of all that is here. */
MUST_CHECK bool catalog_hash(struct store *store, struct bytes32 *hash, struct err *err);

/* Makes all anew; is_equal: it had been right. It stays as it was unless it is to be kept. */
MUST_CHECK bool catalog_rebuild(struct store *store, bool *is_equal, bool is_kept, struct err *err);

struct catalog_entity {
    bool is_known; /* something of it is in the log */
    bool has_root; /* the event that creates it is */
    bool is_deleted;
    struct bytes32 author;
    struct span type, state, text; /* state: canonical JSON, also of what is deleted */
    struct bytes32 hash;           /* of the state and the text */
    uint64_t hlc, applied, waiting;
};
MUST_CHECK bool catalog_entity(struct store *store, struct catalog_entity *entity,
                               struct arena *arena, const struct bytes32 *root, struct err *err);

/* All of an entity's events put together, as of the horizon; to be freed by replica_free. */
MUST_CHECK bool catalog_load(struct store *store, struct replica **replica,
                             const struct bytes32 *root, uint64_t horizon_ms, struct err *err);

/* How many events of this device that person has signed. */
MUST_CHECK bool catalog_seq(struct store *store, uint64_t *seq, const struct bytes32 *pubkey,
                            struct err *err);

/* The only event whose id begins with these hex digits. ERR_INVALID: none does, or several. */
MUST_CHECK bool catalog_resolve(struct store *store, struct bytes32 *id, struct span digits,
                                struct err *err);

struct catalog_event {
    struct bytes32 id, author;
    uint16_t kind;
    int64_t created_at;
    bool has_root, is_redacted;
    bool is_withheld;    /* of a circle that seals it: not to be told as it is */
    struct bytes32 root; /* of the entity it is of */
    struct span json;
};
struct catalog_events {
    struct catalog_event *at;
    size_t count;
};

/* Of one entity, or all when root is NULL: the newest first, up to max. */
MUST_CHECK bool catalog_events(struct store *store, struct catalog_events *events,
                               struct arena *arena, const struct bytes32 *root, size_t max,
                               struct err *err);
MUST_CHECK bool catalog_event(struct store *store, struct catalog_events *event,
                              struct arena *arena, const struct bytes32 *id, struct err *err);

/* The events that match, the newest first as relays give them, as many as the filter's limit says;
 * less those that are ahead of their time. False from the function ends it. What is handed over is
 * valid for the call. */
typedef bool catalog_fn(void *owner, const struct catalog_event *event);
MUST_CHECK bool catalog_each(struct store *store, const struct filter *filter, catalog_fn *fn,
                             void *owner, struct err *err);

struct catalog_find {
    struct bytes32 id, author; /* of an event, or of an entity */
    struct span type, excerpt; /* type: of an entity; else empty */
    uint16_t kind;
    int64_t rank; /* the least is the best */
};
struct catalog_finds {
    struct catalog_find *at;
    size_t count;
};

/* What holds all of the words, which spaces part, the best first, up to max. */
MUST_CHECK bool catalog_find(struct store *store, struct catalog_finds *finds, struct arena *arena,
                             struct span words, size_t max, struct err *err);

/* Events that others come after and that are not here, up to max. */
MUST_CHECK bool catalog_missing(struct store *store, struct bytes32 **ids, size_t *count,
                                struct arena *arena, size_t max, struct err *err);

struct catalog_counts {
    uint64_t events, entities, waiting, missing, quarantined, redacted, contradictions, locked;
    uint64_t idle, due_ms; /* due_ms: when the first that is quarantined counts; 0: none is */
};
MUST_CHECK bool catalog_counts(struct store *store, struct catalog_counts *counts, struct err *err);

/* The vector clock: of each device of each person the greatest count of its events. */
struct catalog_writer {
    struct bytes32 author;
    uint64_t device, seq;
    uint64_t events; /* fewer than seq: some are not here; more: some numbers were used twice */
};
struct catalog_writers {
    struct catalog_writer *at;
    size_t count;
};
MUST_CHECK bool catalog_writers(struct store *store, struct catalog_writers *writers,
                                struct arena *arena, struct err *err);
