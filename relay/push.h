/* push.h - events on their way to another relay: published, and their OK awaited.
 *
 * A few at a time are unanswered. One that the other side is too busy for is sent again, later;
 * so is one that a connection's end left without an answer.
 *
 *   ownership  events are copied
 *   threads    loop thread only
 *   order      as they were added, but for those sent again
 *   bounds     push_is_full: the caller stops adding until drained is called
 *   spec       NIP-01 "OK"
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct event;
struct message;
struct push;
struct remote;

enum push_fate {
    PUSH_TAKEN,
    PUSH_KNOWN,   /* it had it */
    PUSH_REFUSED, /* or never answered */
    PUSH_FATES,
};

struct push_setup {
    struct remote *remote;
    /* note: of its OK. Once for each. */
    void (*settled)(void *owner, const struct bytes32 *id, enum push_fate fate, struct span note);
    void (*drained)(void *owner); /* it is no longer full */
    void *owner;
};

struct push *push_new(uv_loop_t *loop, const struct push_setup *setup);

/* What is not answered is not settled any more. Memory goes when the last handle has closed. */
void push_free(struct push *push);

void push_add(struct push *push, const struct event *event);

/* All that is not settled. */
uint32_t push_pending(const struct push *push);
bool push_is_full(const struct push *push);

/* What the remote tells its owner. */
void push_opened(struct push *push);
void push_closed(struct push *push);
void push_heard_ok(struct push *push, const struct message *message);
