/* ledger_payment.h - invoices that are paid for credit which is held: each once, whatever ends in
 * between.
 *
 *     READY --claim--> SENT --end--> PAID      who claims it sends it, and nobody sends it again
 *       |                |
 *       +----------------+---end---> FAILED    which may be READY again, for any quote
 *
 * Part of ledger, whose header says the rest. What becomes READY is told on the channel
 * SCHEMA_payment.
 */
#pragma once

#include "gpu/ledger_melt.h"

enum { LEDGER_PAYMENTS_MAX = 64 }; /* read at once */

struct ledger_payment {
    struct bytes32 hash;
    struct uuid quote;
    struct span invoice;
    bool is_sent;
    int64_t at, until;
};

/* In the transaction that holds the quote, after it. FAULT_QUOTE_PENDING: another quote pays the
 * invoice, or has. */
MUST_CHECK bool ledger_payment_add(struct transaction *transaction,
                                   const struct ledger_payment *payment, struct fault *fault);

/* Those READY or SENT, the oldest first. */
MUST_CHECK bool ledger_payments(struct ledger *ledger, struct arena *arena,
                                const struct ledger_payment **payments, uint32_t *count,
                                struct fault *fault);

/* READY is SENT; is_ours: by this call. */
MUST_CHECK bool ledger_payment_claim(struct ledger *ledger, const struct bytes32 *hash,
                                     int64_t until, bool *is_ours, struct fault *fault);

/* In the transaction that settles or cancels its quote. False, too, where it is no more what the
 * payment says: SENT, or READY. */
MUST_CHECK bool ledger_payment_end(struct transaction *transaction,
                                   const struct ledger_payment *payment, bool is_paid,
                                   struct fault *fault);

/* ---- the other way ---- */

struct ledger_unpaid {
    struct uuid quote;
    struct span request;
};

/* Mint quotes of bolt11 that wait and do not expire before since, those that expire first. */
MUST_CHECK bool ledger_unpaid(struct ledger *ledger, struct arena *arena, int64_t since,
                              const struct ledger_unpaid **quotes, uint32_t *count,
                              struct fault *fault);
