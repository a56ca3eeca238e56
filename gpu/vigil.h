/* vigil.h - those who have paid and wait until that is over: a melt that is PENDING is answered
 * once it is settled, or given back.
 *
 * NUT-05 wants the answer to a melt to come when it is known, unless it is asked for with
 * prefer_async. Nobody keeps a thread for that: a quote is looked at when the database tells that
 * it has changed.
 *
 *   ownership  vigil_close lets go at once, with nobody answered; memory goes when the last look
 *              has ended. The mint lives until the loop has run on until then
 *   threads    loop thread only; the mint is asked on the loop's pool
 *   spec       Cashu NUT-05
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct mint;
struct mint_answer;
struct vigil;

enum { VIGIL_MAX = 256 }; /* who wait at once: more are told that it is pending */

struct vigil *vigil_open(uv_loop_t *loop, struct mint *mint);
void vigil_close(struct vigil *vigil);

/* Once, later: the answer lives until it returns. */
typedef void vigil_fn(void *owner, const struct mint_answer *answer);

/* What is pending is copied. False: too many wait, or nobody is to wait any more. */
MUST_CHECK bool vigil_keep(struct vigil *vigil, const struct mint_answer *pending, vigil_fn *ended,
                           void *owner);

/* The quote has changed; NULL: any may have. */
void vigil_ring(struct vigil *vigil, const char *quote);

/* All are told that it is pending, and from now on nobody waits. */
void vigil_end(struct vigil *vigil);
