/* purse_search.h - coins that the seed makes and that a mint signed once, found again. Part of
 * purse.
 *
 *   units, ownership, threads, errors  purse.h's
 *   spec  Cashu NUT-09, NUT-13
 */
#pragma once

#include "client/purse.h"

/* Coins of the counters from counter on that the mint signed once: those that no trade waits for
 * and that are not known are kept. */
struct purse_search {
    int64_t mint;
    struct bytes33 keyset;
    uint64_t counter;
    size_t count;
};
struct purse_found {
    uint64_t count;
    uint64_t next; /* the counter after the last of them; where there is none, the first */
};
MUST_CHECK bool purse_write_search(struct purse *purse, struct text *out,
                                   const struct purse_search *search, struct err *err);
MUST_CHECK bool purse_end_search(struct purse *purse, struct purse_found *found,
                                 const struct purse_search *search, struct span json,
                                 struct err *err);
