/* sync.h - this device and one relay made equal, in the events that match a filter.
 *
 * What differs is reconciled (NIP-77), so that little is said where little differs; a relay that
 * does not know how is paged through, the newest first. Then what we lack is fetched, and what the
 * relay lacks is named. It goes on by itself after the connection ended, for as long as the link
 * lives.
 *
 *   units      events; *_at, since, until: unix seconds
 *   ownership  link and records outlive it; sync_free may be called from any callback
 *   threads    loop thread only
 *   errors     over is told why it gave up: the relay refuses, or never answers
 *   bounds     SYNC_IDS_MAX differences, SYNC_ROUNDS_MAX messages of the relay about them
 *   spec       NIP-77; NIP-01 where the relay does not speak it
 */
#pragma once

#include "shared/base.h"
#include "shared/negentropy.h"

struct event;
struct filter;
struct link;
struct sync;

enum { SYNC_IDS_MAX = 2000000, SYNC_ROUNDS_MAX = 20000 };

/* How far a relay was paged through; of no matter to one that reconciles. Zeroes: not at all. */
struct sync_cursor {
    int64_t since; /* all up to there was seen */
    int64_t until; /* a run was interrupted: it had come back to here; 0: none */
    int64_t top;   /* and had begun here */
};

enum sync_stage { SYNC_RECONCILING, SYNC_PAGING, SYNC_MOVING };

struct sync_counts {
    enum sync_stage stage;
    uint64_t rounds;  /* messages or pages of the relay */
    uint64_t needed;  /* to be fetched; final once it is MOVING */
    uint64_t fetched; /* and right */
    uint64_t lacked;  /* named as lacking there */
    uint64_t missing; /* said to be there, and not sent */
    uint64_t wrong;   /* not what they say they are */
    uint64_t crowded; /* seconds with more events than a page holds: some may be unseen */
};

struct sync_setup {
    struct link *link;
    const struct filter *filter; /* copied; without a limit */
    bool down, up;
    bool names_only; /* what we lack is named, and not fetched */
    bool never_reconciles;
    /* Ours that match, as negentropy_seal leaves them. */
    const struct negentropy_record *records;
    size_t record_count;
    struct sync_cursor cursor;
    int64_t now; /* unix seconds */
    /* Whether it is here all the same, though not among the records. NULL: it is not. */
    bool (*has)(void *owner, const struct bytes32 *id);
    /* We lack it; its id and signature are right. False: it cannot be kept, and all ends. */
    bool (*fetched)(void *owner, const struct event *event);
    void (*named)(void *owner, const struct bytes32 *id); /* we lack it; with names_only */
    void (*lacks)(void *owner, const struct bytes32 *id); /* the relay does */
    /* To be remembered, after what was fetched. May be NULL. */
    void (*paged)(void *owner, const struct sync_cursor *cursor);
    /* The last: why NULL when all went well. */
    void (*over)(void *owner, const char *why);
    void *owner;
};

struct sync *sync_new(const struct sync_setup *setup);
void sync_free(struct sync *sync);

const struct sync_counts *sync_counts(const struct sync *sync);
