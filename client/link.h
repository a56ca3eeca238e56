/* link.h - one relay, spoken with for as long as it takes.
 *
 * A link connects, and again whenever the connection ends, ever more patiently and a little at
 * random. What was asked for is asked for again; what is published is sent until the relay has
 * answered it. Nothing is expected of a relay but NIP-01; its limits are kept where it tells them
 * (NIP-11).
 *
 *   units      wait_ms: milliseconds; queries and events: as many
 *   ownership  a host outlives its links, a link its queries. Anything may be freed from any
 *              callback; memory goes when the last handle has closed, so the loop runs on
 *   threads    loop thread only
 *   errors     words for people; "why" is the relay's own where it gave any
 *   bounds     link_is_full: the caller publishes no more until drained is called. What a relay
 *              sends is parsed within bounds, and dropped where nobody asked for it. Signatures are
 *              the caller's to check
 *   spec       NIP-01, NIP-11, NIP-42, NIP-45, NIP-77; RFC 1928 for the proxy
 */
#pragma once

#include "shared/base.h"
#include "shared/event.h"
#include "shared/message.h"

struct arena;
struct err;
struct info;
struct link;
struct link_host;
struct link_query;
struct uv_loop_s;

struct link_host_setup {
    struct span proxy;   /* SOCKS5, HOST:PORT; len 0: none */
    const char *ca_file; /* PEM, trusted beside the system's authorities; NULL: none */
    uint32_t retry_ms;   /* before the second attempt; 0: LINK_RETRY_MS */
    uint32_t (*random)(void *owner);
    void *owner;
};

enum { LINK_RETRY_MS = 500, LINK_RETRY_MS_MAX = 60000 };

struct link_host *link_host_new(struct uv_loop_s *loop, const struct link_host_setup *setup,
                                struct err *err);
void link_host_free(struct link_host *host); /* its links have been freed */

enum link_fate {
    LINK_TAKEN,
    LINK_KNOWN,   /* it had it, or one that is newer */
    LINK_REFUSED, /* for good */
    LINK_LATER,   /* not now: it fails, or does not answer */
};

enum { LINK_ANSWER_MS = 30000 };

struct link_setup {
    struct span url;
    uint32_t answer_ms; /* how long an answer is waited for; 0: LINK_ANSWER_MS */
    void (*opened)(void *owner, struct link *link); /* these may be NULL */
    void (*closed)(void *owner, struct link *link, const char *why, uint64_t wait_ms);
    void (*noticed)(void *owner, struct link *link, struct span text);
    /* The relay wants to know who we are: answer with link_authenticate or link_decline, now or
     * later. NULL: nobody. */
    void (*challenged)(void *owner, struct link *link);
    /* Once for each event published. */
    void (*settled)(void *owner, struct link *link, const struct bytes32 *id, enum link_fate fate,
                    struct span why);
    void (*drained)(void *owner, struct link *link); /* it is no longer full */
    void *owner;
};

/* Begins to connect; calls back later. NULL: no URL of a relay. */
struct link *link_new(struct link_host *host, const struct link_setup *setup, struct err *err);
void link_free(struct link *link);

const char *link_url(const struct link *link);
bool link_is_open(const struct link *link);
void link_hurry(struct link *link); /* the next attempt is now */
void link_pause(struct link *link, bool is_paused);
uint64_t link_unasked(const struct link *link);        /* messages that nobody asked for */
const struct info *link_info(const struct link *link); /* NULL: not known, or not yet */

/* ---- who we are (NIP-42) ---- */

/* The event to be signed, without pubkey, id and signature. Lives in the arena. */
void link_auth_event(const struct link *link, struct event *event, struct arena *arena);
void link_authenticate(struct link *link, const struct event *event);
void link_decline(struct link *link, const char *why);

/* ---- publishing ---- */

/* The event is copied. */
void link_publish(struct link *link, const struct event *event);
uint32_t link_pending(const struct link *link); /* events not settled */
bool link_is_full(const struct link *link);

/* ---- asking ---- */

enum link_ask { LINK_REQ, LINK_COUNT, LINK_NEG };

struct link_query_setup {
    enum link_ask ask;
    const struct filter *filters; /* copied */
    uint32_t filter_count;        /* NEG: one */
    struct span bytes;            /* NEG: the first message */
    /* EVENT, which matches, EOSE, COUNT, NEG-MSG; and as the last, after which the query is only to
     * be dropped, CLOSED or NEG-ERR with a note. The message lives in the arena, which may be taken
     * over: copied, and left zeroed. */
    void (*heard)(void *owner, struct link_query *query, const struct message *message,
                  struct arena *arena);
    void *owner;
};

/* Sent when the relay is there and takes one more. A REQ stays open, and is sent again after the
 * connection ended: as it was, so that events may come again; or, where it had a limit and its
 * stored events had come, without one and since a quarter of an hour before that. A COUNT is sent
 * until it is answered. A NEG ends with its connection. */
struct link_query *link_ask(struct link *link, const struct link_query_setup *setup);
void link_say(struct link_query *query, struct span bytes); /* NEG-MSG */
void link_drop(struct link_query *query);
