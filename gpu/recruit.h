/* recruit.h - how a lead finds its stages: it hears offers and heartbeats at relays, chooses a
 * chain (gpu/chain.h), says why in the journal, and looks again when something has changed.
 *
 *   units      milliseconds
 *   ownership  what the setup names outlives it; recruit_free lets go at once, memory goes when the
 *              last handle has closed
 *   threads    loop thread only
 *   errors     ERR_INVALID no URL of a relay
 */
#pragma once

#include <uv.h>

#include "gpu/chain.h"

struct engine;
struct err;
struct holder;
struct recruit;

struct recruit_setup {
    uv_loop_t *loop;
    const char *const *relays;
    uint32_t relay_count;
    const struct holder *holder; /* the lead's: stages know it by that key */
    struct engine *engine;       /* that leads a pipeline */
    struct chain_wish wish;      /* its now is not looked at */
};

MUST_CHECK struct recruit *recruit_new(const struct recruit_setup *setup, struct err *err);
void recruit_free(struct recruit *recruit); /* may be NULL */
