/* deposit.h - credit is bought by paying a Lightning invoice of the node's wallet service.
 *
 * The id of a quote is made of its invoice's hash, so that who hears of a payment knows which quote
 * it pays. It counts when the service says that so much has come in, whether it tells of it by
 * itself or is asked: by a wallet that wants to know, and once it is there again after it was away.
 *
 *   units      thousandths of a satoshi for 0.01 credit: as the mint's policy says
 *   ownership  deposit_close lets go at once; memory goes with deposit_free, once the loop has
 *              ended and no thread is in a call. What the setup names outlives it
 *   threads    loop thread only, but for what the mint calls
 *   errors     to wallets in Cashu's numbers
 *   spec       Cashu NUT-04, NUT-23
 */
#pragma once

#include <uv.h>

#include "gpu/nwc.h"

struct deposit;
struct ledger;
struct lightning;
struct mint;

enum { DEPOSIT_LIFE_S = 900, DEPOSIT_LOOK_S = 2 }; /* an invoice; between two looks at one */

struct deposit_setup {
    uv_loop_t *loop;
    struct ledger *ledger;
    struct mint *mint; /* which sells by it from now on */
    struct lightning *lightning;
};

struct deposit *deposit_open(const struct deposit_setup *setup);
void deposit_close(struct deposit *deposit);
void deposit_free(struct deposit *deposit);

/* A payment has come in, as the service says. */
void deposit_hear(struct deposit *deposit, const struct nwc_payment *payment);

/* The service is there again: what has come in meanwhile is asked for. */
void deposit_catch_up(struct deposit *deposit);
