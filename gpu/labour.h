/* labour.h - an executor on a thread of its own: work goes in, and comes back done.
 *
 *   ownership  the executor is borrowed; labour_free waits for the work at hand
 *   threads    the caller's; told is called on the labour's own
 */
#pragma once

#include "gpu/stage_work.h"

struct labour;

struct labour *labour_new(struct exec *exec, void (*told)(void *owner), void *owner);

/* Frees the work that was not taken back. */
void labour_free(struct labour *labour);

/* One work at a time. */
void labour_give(struct labour *labour, const struct stage_work *work);

/* False while it is being done, and when there is none. */
MUST_CHECK bool labour_take(struct labour *labour, struct stage_work *work);
