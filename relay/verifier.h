/* verifier.h - ids and signatures of events, checked on the pool.
 *
 * Many are checked in one piece of work when many wait: at most as many pieces as threads are out,
 * and each takes all its share of what waits. With turns, one that comes alone is checked by the
 * loop: to wake a thread, and be woken by it, would take longer.
 *
 *   ownership  a verification is a part of its owner, which leaves it and its event alone until
 *              it is done
 *   threads    loop thread only; events are read on the pool
 *   order      they are done in the order they were added
 */
#pragma once

#include <uv.h>

#include "relay/list.h"
#include "shared/base.h"

struct event;
struct verifier;

enum proof { PROOF_GOOD, PROOF_BAD_ID, PROOF_BAD_SIG };

struct verification {
    struct list_node listed;
    const struct event *event;
    void *owner;
    enum proof proof; /* set when it is done */
};

struct verifier_setup {
    uint32_t threads;
    bool has_turns;            /* verifier_turn_end is called */
    void (*done)(void *owner); /* a verification's; never within verifier_add. May free it */
};

struct verifier *verifier_new(uv_loop_t *loop, const struct verifier_setup *setup);

/* Nothing may be under way. */
void verifier_free(struct verifier *verifier);

/* event and owner are set. */
void verifier_add(struct verifier *verifier, struct verification *verification);

/* At the end of each turn of the loop. */
void verifier_turn_end(struct verifier *verifier);

/* Those that no thread has taken. */
uint32_t verifier_waiting(const struct verifier *verifier);
