/* post.h - the relays that a node is found at: what it says goes to all of them, and what is for it
 * is heard once, from whichever is the first.
 *
 * A relay that wants to know who listens is told: the node's key, which is no secret.
 *
 *   ownership  all that the setup names outlives it but the URLs, which are copied. post_free lets
 *              go at once; memory goes when the last handle has closed, so the loop runs on
 *   threads    loop thread only
 *   errors     ERR_INVALID: no URL of a relay. Relays that fail are told of in the journal, and
 *              tried again
 *   bounds     POST_RELAYS_MAX relays; the last POST_SEEN_MAX events are known again
 *   spec       NIP-01, NIP-42
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct filter;
struct holder;
struct link_host;
struct post;

enum { POST_RELAYS_MAX = 8, POST_SEEN_MAX = 4096 };

struct post_setup {
    uv_loop_t *loop;
    const char *const *relays;
    uint32_t relay_count;
    const struct holder *holder;
    struct link_host *host; /* of the loop's links; NULL: one of its own */
    const char *ca_file;    /* PEM, trusted beside the system's authorities; NULL: none */
};

struct post *post_new(const struct post_setup *setup, struct err *err);
void post_free(struct post *post);

const struct holder *post_holder(const struct post *post);

/* Signs what has neither pubkey, id nor signature, and sends it. */
MUST_CHECK bool post_say(struct post *post, struct event *event, struct err *err);

/* Sends what is signed: to relays that are away once they are back, unless it is of the moment (an
 * ephemeral kind). */
void post_send(struct post *post, const struct event *event);

/* Events that some relay, which is there, has not answered for yet. */
uint32_t post_pending(const struct post *post);

/* Relays that are there now. */
uint32_t post_open(const struct post *post);

/* Relays from which what is for it comes now. */
uint32_t post_hears(const struct post *post);

/* Whenever one more of them is there. */
void post_greet(struct post *post, void (*opened)(void *owner), void *owner);

/* Once: what matches is told, its id and signature checked. The filter is copied. */
void post_listen(struct post *post, const struct filter *filter,
                 void (*heard)(void *owner, const struct event *event, struct arena *arena),
                 void *owner);

/* The same of several: what matches any of them. */
void post_listen_any(struct post *post, const struct filter *filters, uint32_t count,
                     void (*heard)(void *owner, const struct event *event, struct arena *arena),
                     void *owner);
