/* cashier.h - a source whose answers are paid for: a token comes with what is asked, the job runs
 * as an order, and what is left of the token goes back as one.
 *
 * Without a token it says what is wanted (402, NUT-18). A job that does not say how long its answer
 * may be gets as much as its token pays for. The coins of the change are made of the token's own
 * secrets, so that whoever has the token can ask the mint for them again, as a wallet restores
 * them, should the answer never arrive.
 *
 *   units      amounts in the token's unit
 *   ownership  cashier_close, once it is idle; all of the setup is borrowed
 *   threads    loop thread only; the mint is asked on the loop's pool
 *   errors     402 too little or nothing; 400 a token that the mint does not take
 *   spec       Cashu NUT-18, NUT-24
 */
#pragma once

#include <uv.h>

#include "gpu/compute.h"
#include "gpu/source.h"

struct cashier;
struct mint;

struct cashier_setup {
    uv_loop_t *loop;
    struct orders *orders;
    struct mint *mint;
    struct compute *compute;
    struct span url;  /* of the mint, as its tokens name it */
    struct span unit; /* that is asked for; tokens of any of the mint's are taken */
};

struct cashier *cashier_open(const struct cashier_setup *setup);
void cashier_close(struct cashier *cashier);

/* Of requests with ask.payment and ask.body. */
struct source *cashier_source(struct cashier *cashier);

/* The order of that quote has changed; NULL: any may have. */
void cashier_ring(struct cashier *cashier, const struct uuid *quote);

bool cashier_is_idle(const struct cashier *cashier);
