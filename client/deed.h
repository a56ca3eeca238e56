/* deed.h - an answer that was bought, kept so that it can be checked later: what was asked, the
 * seed, the tokens that came, and the receipt.
 *
 *   ownership  what is found lives in the arena
 *   threads    the store's
 *   errors     the store's; ERR_INVALID: there is none of that id, or there are several
 */
#pragma once

#include "shared/receipt.h"

struct arena;
struct err;
struct event;
struct store;

struct deed {
    struct span prompt, tokens; /* tokens: a JSON array of numbers */
    uint64_t seed;
    uint32_t tokens_max;
    struct span receipt; /* the event as JSON */
};

/* event: the receipt as read. */
MUST_CHECK bool deed_keep(struct store *store, const struct deed *deed, const struct event *event,
                          const struct receipt *receipt, struct err *err);

/* By the first digits of the job's id, or the receipt's; the newest of one job. */
MUST_CHECK bool deed_find(struct store *store, struct deed *deed, struct arena *arena,
                          struct span digits, struct err *err);

/* That the receipt is of these tokens and of this seed; tokens of len 0: not said. */
MUST_CHECK bool deed_check(const struct receipt *receipt, struct span tokens, uint64_t seed,
                           struct err *err);
