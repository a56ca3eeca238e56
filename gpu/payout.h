/* payout.h - credit pays a Lightning invoice: it is held, the node's wallet service is told once to
 * pay, and what became of that decides whether the credit is kept or given back.
 *
 * Nothing is guessed. Credit is kept when the preimage of the invoice is there, and given back when
 * the service says that it has not paid and will not: by refusing, by a state that is an end, or by
 * knowing nothing of it long after the request was void. Until then the quote is PENDING, and the
 * service is asked again, ever more patiently, by this process or by the one after it.
 *
 *   units      thousandths of a satoshi for 0.01 credit: as the mint's policy says
 *   ownership  payout_close lets go at once; memory goes with payout_free, once the loop has ended
 *              and no thread is in a call. What the setup names outlives it
 *   threads    loop thread only, but for what the mint calls
 *   errors     to wallets in Cashu's numbers
 *   spec       Cashu NUT-05, NUT-08, NUT-23
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct database;
struct err;
struct ledger;
struct lightning;
struct mint;
struct nwc_payment;
struct payout;

enum {
    PAYOUT_QUOTE_S = 600, /* a quote is good for */
    PAYOUT_SEND_S = 60,   /* a request that was not read by then is void */
    PAYOUT_GRACE_S = 300, /* after which a service that knows nothing of it never will */
    PAYOUT_READY_S = 60,  /* unsent for so long, because the service is away, it is given back */
    PAYOUT_AGAIN_MS = 1000,
    PAYOUT_AGAIN_MS_MAX = 60000
};

struct payout_setup {
    uv_loop_t *loop;
    const struct database *database;
    struct ledger *ledger;
    struct mint *mint; /* which spends by it from now on */
    struct lightning *lightning;
    uint32_t grace_s; /* 0: PAYOUT_GRACE_S */
};

/* NULL: the database lets nobody listen. */
struct payout *payout_open(const struct payout_setup *setup, struct err *err);
void payout_close(struct payout *payout);
void payout_free(struct payout *payout);

/* The service is there: it is asked what became of all that is open. */
void payout_ring(struct payout *payout);

/* Something has gone out, as the service says. */
void payout_hear(struct payout *payout, const struct nwc_payment *payment);
