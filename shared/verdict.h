/* verdict.h - what came of doing a job again: of the tokens that a node gave, how many another node
 * finds to be what the model, the prompt and the agreed seed give.
 *
 * An answer is wrong when more than one token, and more than one in fifty, is another: two nodes
 * need not compute alike to the last bit, and a model that is another gives other tokens by far.
 * The event carries both nodes' receipts: that of the job, and that of the one that checked it.
 *
 *   units      tokens
 *   ownership  what is read points into the event or the arena
 *   threads    pure
 *   errors     ERR_INVALID: which tag is missing or wrong, or what does not fit
 *   spec       own kind 8433
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum { VERDICT_TOLERANCE = 50 };

struct verdict {
    struct bytes32 job, node;      /* node: whose job it was */
    uint32_t checked, same, first; /* first: that differs; checked where none does */
    struct span receipts[2];       /* JSON: of the job, and of the check */
};

bool verdict_is_right(const struct verdict *verdict);

/* Tags, and the body of the content's string. */
void verdict_write(struct text *tags, struct text *content, const struct verdict *verdict);

/* All but the event's own signature is looked at: the receipts are of that job by that node, and of
 * a check by another. */
MUST_CHECK bool verdict_read(struct verdict *verdict, struct arena *arena,
                             const struct event *event, struct err *err);
