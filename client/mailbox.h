/* mailbox.h - where people write and read, by their own lists of relays; and which few relays to
 * ask so that nobody is missed.
 *
 *   ownership  URLs point into the event or the arena
 *   errors     none: what makes no sense in a list is left out
 *   spec       NIP-65; NIP-17 for kind 10050
 */
#pragma once

#include "shared/base.h"

struct arena;
struct event;

enum { MAILBOX_RELAYS_MAX = 10 }; /* of one person; the rest is left out */

struct mailbox {
    struct bytes32 owner;
    uint32_t count;
    struct mailbox_relay {
        struct span url;
        bool reads, writes;
    } relays[MAILBOX_RELAYS_MAX];
};

/* event: of kind 10002, or of kind 10050, which says where private messages are left. URLs of
 * relays alone, each once. */
void mailbox_read(struct mailbox *mailbox, const struct event *event);

/* One relay to be asked, and about whom. */
struct mailbox_stop {
    struct span url;
    struct bytes32 *authors;
    size_t count;
};

/* The stops at which each is met at as many of the relays that he writes to as times says, or at
 * all when there are fewer: first the relays that most have in common. In the arena. */
struct mailbox_stop *mailbox_route(size_t *count, struct arena *arena,
                                   const struct mailbox *mailboxes, size_t mailbox_count,
                                   uint32_t times);
