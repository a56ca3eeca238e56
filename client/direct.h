/* direct.h - a message to one person or several, that only they can read.
 *
 * The message is a rumor of kind 14 that names everybody it is for. Who sends it wraps it once for
 * each of them and once for itself, so that its other devices have it, too.
 *
 *   units      created_at: unix seconds
 *   ownership  what was read lives in the arena
 *   errors     ERR_INVALID
 *   spec       NIP-17
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;

enum { DIRECT_PEOPLE_MAX = 100 };

struct direct {
    struct bytes32 author;
    int64_t created_at;
    const struct bytes32 *people; /* whom it is for, less the author; at least one */
    uint32_t people_count;        /* at most DIRECT_PEOPLE_MAX */
    bool has_reply;
    struct bytes32 reply_to; /* a message of the conversation */
    struct span subject;     /* of the conversation; empty: none */
    struct span text;        /* UTF-8 */
};

/* The rumor, with its id. */
void direct_rumor(const struct direct *direct, struct event *rumor, struct arena *arena);

/* rumor: its author is known to have written it (wrap_open). */
MUST_CHECK bool direct_parse(struct direct *direct, struct arena *arena, const struct event *rumor,
                             struct err *err);

/* What names a conversation: a hash of who takes part, in whatever order they are named. */
struct bytes32 direct_conversation(const struct direct *direct);
