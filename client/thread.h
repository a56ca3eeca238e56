/* thread.h - what a note answers: read from its tags, and written into those of an answer.
 *
 *   ownership  borrows all it is given
 *   errors     ERR_RESTRICTED: a secret key is about to be published
 *   spec       NIP-10; NIP-22 for answers to what is no note; NIP-25; NIP-18; NIP-24 "t"
 */
#pragma once

#include "shared/base.h"

struct draft;
struct err;
struct event;

struct thread {
    bool has_parent;
    struct bytes32 root, parent; /* equal when it answers what began the thread */
};

/* Markers, or by their order where there are none; the other e tags of a comment are its own. */
void thread_read(struct thread *thread, const struct event *event);

/* Kind and tags of an answer: a note to a note, a comment to all else. */
void thread_reply(struct draft *draft, const struct event *parent);

/* Kind and tags of a reaction. */
void thread_react(struct draft *draft, const struct event *to);

/* Kind and tags of an event that passes what on, which is to be found at relay. */
void thread_repost(struct draft *draft, const struct event *what, struct span relay);

/* Tags for the people and events that text names as nostr:..., and for its #words. */
MUST_CHECK bool thread_mention(struct draft *draft, struct span text, struct err *err);
