/* payout_parts.h - what payout's files share. Part of payout.
 *
 *   threads  loop thread only, but for what runs on its pool
 */
#pragma once

#include "gpu/bell.h"
#include "gpu/ledger_payment.h"
#include "gpu/nwc.h"
#include "gpu/payout.h"
#include "shared/arena.h"

enum { PAYOUT_ERRANDS_MAX = 32 };

/* An invoice that something is being done about. */
struct errand {
    struct errand *next;
    struct payout *payout;
    struct arena arena;
    struct ledger_payment payment;
    bool was_refused; /* the service has said that it failed, or has not tried */
    enum errand_step { ERRAND_CLAIM, ERRAND_SETTLE, ERRAND_CANCEL } step;
    uint64_t fees_msat;
    struct span preimage;
    bool is_done; /* the step */
    uv_work_t work;
};

struct payout {
    struct payout_setup setup;
    struct bell *bell;
    uv_timer_t timer;
    uint64_t wait_ms;
    struct errand *errands;
    uint32_t errand_count, open;
    uint64_t unit_msat;
    bool is_looking, looks_again, is_closed;
};

/* Begins to do what is to be done about it, which ends by itself. */
void payout_begin(struct payout *payout, const struct ledger_payment *payment);

/* One has ended. */
void payout_ended(struct payout *payout);

/* Units that so many thousandths of a satoshi are, rounded up. */
uint64_t payout_units(const struct payout *payout, uint64_t msat);
