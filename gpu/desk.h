/* desk.h - questions that come over relays, and their answers: node and buyer may both be where
 * nobody can call them.
 *
 * A question is a rumor of kind 28432 in an ephemeral gift wrap for the node, under a key that the
 * buyer throws away; its answer goes back in the same way, to that key alone. What was heard once
 * is not heard again: a rumor is to be of now, and those of the last while are known. Who asks once
 * more with the id of a question that he asked, as when a relay broke, is told what was answered
 * then. How many are opened a second is bounded for all together, and for each key.
 *
 * Who has answered with tokens waiting for the buyer tells him more by desk_tell.
 *
 *   units      seconds
 *   ownership  all of the setup outlives it; desk_free forgets what is being answered, and memory
 *              goes when the last answer is there, so the loop runs on
 *   threads    loop thread only; answer is called on the loop's pool
 *   errors     none: what is no question is passed over, what cannot be answered now gets a 503
 *   spec       NIP-59 (kind 21059), Shoal's market (kinds 28431, 28432)
 */
#pragma once

#include <uv.h>

#include "shared/text.h"

struct desk;
struct err;
struct event;
struct post;

enum {
    DESK_SKEW_S = 300,  /* that a rumor's stamp may be away from now */
    DESK_RATE = 50,     /* messages a second that are opened, */
    DESK_BURST = 400,   /* and at once */
    DESK_KEY_RATE = 20, /* of one key */
    DESK_KEY_BURST = 200,
    DESK_BUSY_MAX = 64, /* questions that are being answered */
};

struct desk_question {
    const char *method, *path; /* "POST", "/v1/swap" */
    struct span body;          /* JSON; empty: none */
    struct bytes32 buyer;      /* the key that the answer goes to */
};

struct desk_answer {
    uint32_t status; /* as HTTP's */
    struct text body;
};

struct desk_setup {
    uv_loop_t *loop;
    struct post *post;
    /* Asked first, on the loop's thread: true when desk_reply will answer it. May be NULL. */
    bool (*take)(void *owner, const struct desk_question *question, struct span id);
    void (*answer)(void *owner, struct desk_answer *answer, const struct desk_question *question);
    void *owner;
};

/* Listens from now on. */
struct desk *desk_new(const struct desk_setup *setup);
void desk_free(struct desk *desk); /* may be NULL */

/* Sends a rumor without pubkey, id and signature to somebody. */
MUST_CHECK bool desk_tell(struct desk *desk, const struct bytes32 *buyer, struct event *rumor,
                          struct err *err);

/* Answers what was taken: the question of that buyer's with that id. */
void desk_reply(struct desk *desk, const struct bytes32 *buyer, struct span id,
                const struct desk_answer *answer);

struct desk_statistics {
    uint32_t busy;
    uint64_t answered, repeated, unreadable, replayed, limited, turned_away;
};
struct desk_statistics desk_statistics(const struct desk *desk);
