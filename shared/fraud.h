/* fraud.h - two events that one key has signed and that cannot both be true: proof for everybody,
 * by nothing but the two.
 *
 *     two receipts      of one quote that tell of different jobs, models, tokens or amounts
 *     one sequence      two transfers, acknowledgements or supply epochs with the same number that
 *                       are not the same
 *
 *   ownership  what is read points into the event or the arena
 *   threads    pure
 *   errors     ERR_INVALID: why it is no proof
 *   spec       own kind 8434
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

/* Both signatures are checked. */
MUST_CHECK bool fraud_check(struct arena *arena, const struct event *a, const struct event *b,
                            struct err *err);

/* Tags, and the body of the content's string, of two that were checked. */
void fraud_write(struct text *tags, struct text *content, const struct event *a,
                 const struct event *b);

/* Who did it. Whoever says so, and the signature of that, are not looked at. */
MUST_CHECK bool fraud_read(struct bytes32 *node, struct arena *arena, const struct event *event,
                           struct err *err);
