/* exchange.h - what the store and one relay have to tell each other: what is queued for it is sent,
 * and what differs is fetched and sent.
 *
 *   units      events
 *   ownership  all that the setup names outlives it; exchange_free may be called from any callback
 *   threads    loop thread only
 *   errors     over is told why it gave up. The connection is made again for as long as it lives,
 *              unless it could not be made at all
 *   spec       NIP-01, NIP-70 (what is protected is only sent where it was queued), NIP-77
 */
#pragma once

#include "client/sync.h"
#include "shared/base.h"

struct basket;
struct exchange;
struct link;
struct link_host;
struct store;

struct exchange_setup {
    struct link_host *host;
    struct store *store;
    struct basket *basket;
    struct span url;
    bool pushes;                  /* what is queued for it */
    const struct filter *filters; /* each without a limit: what is to be equal */
    uint32_t filter_count;
    bool down, up;
    bool is_trial;         /* differences are counted, and nothing is moved */
    bool never_reconciles; /* pages, as with a relay that knows no better */
    bool begins_anew;      /* whatever was paged through before */
    uint32_t (*random)(void *owner);
    void (*challenged)(void *owner, struct link *link); /* as of a link */
    void (*refused)(void *owner, struct exchange *exchange, const struct bytes32 *id,
                    struct span why);
    /* The last: why NULL when all went well. */
    void (*over)(void *owner, struct exchange *exchange, const char *why);
    void *owner;
};

struct exchange_counts {
    uint64_t sent, known;    /* there now: it was new, or was there before */
    uint64_t refused, later; /* for good; not this time */
    uint64_t kept_back;      /* not to be sent by us */
    uint64_t fetched;        /* new here */
    struct sync_counts sync; /* of all filters so far */
    uint32_t filters_done;
};

/* NULL: no URL of a relay. */
struct exchange *exchange_new(const struct exchange_setup *setup, struct err *err);
void exchange_free(struct exchange *exchange);

const char *exchange_url(const struct exchange *exchange);
struct exchange_counts exchange_counts(const struct exchange *exchange);

/* Grows whenever the relay says something of use. */
uint64_t exchange_heard(const struct exchange *exchange);
