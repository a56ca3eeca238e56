/* lightning.h - a wallet service far away, which makes invoices and pays them: requests are sealed
 * for it, travel over relays, and are answered or not.
 *
 * It is there while one of its relays is, and it has said that it seals as NIP-44 does; one
 * that seals in older ways only is not spoken with. A request says when it is void: it is never
 * sent twice, and an answer to none that waits is not looked at.
 *
 *   units      milliseconds; what nwc.h says
 *   ownership  lightning_close lets go at once, with what was asked unanswered; memory goes with
 *              lightning_free, once the loop has ended and no thread is in a call. The place is
 *              borrowed for lightning_open
 *   threads    loop thread only, unless said
 *   errors     those of post
 *   bounds     LIGHTNING_CALLS_MAX threads wait at once
 *   spec       NIP-47, NIP-44
 */
#pragma once

#include <uv.h>

#include "gpu/nwc.h"

struct lightning;

enum { LIGHTNING_ANSWER_MS = 10000, LIGHTNING_CALLS_MAX = 2 };

struct lightning_setup {
    uv_loop_t *loop;
    const struct nwc_place *place;
    const char *ca_file; /* PEM, trusted beside the system's authorities; NULL: none */
    void (*told)(void *owner, const struct nwc_payment *payment, bool is_received);
    void (*greeted)(void *owner); /* it is there, again: what it told meanwhile was missed */
    void *owner;
};

/* NULL on failure. */
struct lightning *lightning_open(const struct lightning_setup *setup, struct err *err);
void lightning_close(struct lightning *lightning);
void lightning_free(struct lightning *lightning);

/* Whether it is there now; and, for any thread, whether it was when that was last looked at. */
bool lightning_look(struct lightning *lightning);
bool lightning_is_there(struct lightning *lightning);

/* Answered once, later, within ms; NULL: it did not answer. */
typedef void lightning_answered_fn(void *owner, const struct nwc_answer *answer);
void lightning_ask(struct lightning *lightning, struct span request, uint32_t ms,
                   lightning_answered_fn *answered, void *owner);

/* Of any thread but the loop's: waits for the answer, which lives in the arena. ERR_INTERNAL: there
 * is none; ERR_RATE_LIMITED: too many wait. */
MUST_CHECK bool lightning_call(struct lightning *lightning, struct nwc_answer *answer,
                               struct arena *arena, struct span request, struct err *err);
