/* ledger_melt.h - credit that is spent on something: held while the work is done, then kept or
 * given back.
 *
 *     UNPAID --hold--> PENDING --settle--> PAID      proofs SPENT, change signed
 *        ^                |
 *        +-----cancel-----+                          proofs UNSPENT, as if never seen
 *
 * Each step is part of a transaction of the caller's, so that what the work leaves behind (a job, a
 * receipt) is there exactly when the money has moved. Change is signed on blank outputs, which are
 * kept with the proofs from hold on: while they are, nothing else is signed on them.
 *
 * A step that was done already is true and does nothing: a transaction that is run again (see
 * database.h) finds its own traces. Hold locks the quote; two that hold, settle or cancel the same
 * one go one after the other.
 *
 * Part of ledger, whose header says the rest. A change is told on the channel SCHEMA_quote, as for
 * ledger_quote.h.
 *
 *   errors  false with fault.code FAULT_OURS when a statement failed: return false at once
 */
#pragma once

#include "gpu/ledger_quote.h"
#include "gpu/transaction.h"

enum { LEDGER_BLANKS_MAX = 64 };

enum melt_state { MELT_UNPAID, MELT_PENDING, MELT_PAID };

struct melt_quote {
    struct uuid id;
    char method[LEDGER_METHOD_MAX + 1];
    char unit[LEDGER_UNIT_MAX + 1];
    struct span request;
    uint64_t amount, fee_reserve; /* the cost is at most their sum, which is at most 2^62 */
    enum melt_state state;
    int64_t expiry; /* no hold after it; 0: none */
    int64_t created_at;
    uint64_t held;     /* of one that is not UNPAID: what the proofs are worth, less their fee */
    uint64_t cost;     /* of a PAID one: what was kept of that */
    struct span proof; /* of a PAID one: payment_preimage; at is NULL: none */
};

MUST_CHECK bool ledger_melt_quote_add(struct transaction *transaction,
                                      const struct melt_quote *quote, struct fault *fault);

/* With a lock that other steps of the same quote wait for. FAULT_QUOTE_UNKNOWN. */
MUST_CHECK bool ledger_melt_quote_lock(struct transaction *transaction, struct arena *arena,
                                       const struct uuid *id, struct melt_quote *quote,
                                       struct fault *fault);

/* Without, in a transaction of its own. */
MUST_CHECK bool ledger_melt_quote_find(struct ledger *ledger, struct arena *arena,
                                       const struct uuid *id, struct melt_quote *quote,
                                       struct fault *fault);

struct ledger_blank {
    struct bytes33 message; /* B_ */
    int16_t keyset;         /* active when it is held; change is signed with it even if no more */
};

struct ledger_hold {
    struct uuid quote;
    struct bytes32 request;
    const struct ledger_proof *inputs; /* worth at least amount + fee_reserve and their fee */
    uint32_t input_count;
    const struct ledger_blank *blanks;
    uint32_t blank_count; /* up to LEDGER_BLANKS_MAX */
    int64_t now;
};
MUST_CHECK bool ledger_hold(struct transaction *transaction, const struct ledger_hold *hold,
                            struct fault *fault);

/* Of one that is PENDING, in their order. */
MUST_CHECK bool ledger_blanks(struct transaction *transaction, struct arena *arena,
                              const struct uuid *quote, const struct ledger_blank **blanks,
                              uint32_t *count, struct fault *fault);

struct ledger_settlement {
    struct uuid quote;
    uint64_t cost;                       /* kept, at most amount + fee_reserve */
    const struct ledger_promise *change; /* on blanks; worth at most held - cost */
    uint32_t change_count;
    struct span proof; /* told as payment_preimage; up to LEDGER_PROOF_MAX */
    int64_t now;
};
MUST_CHECK bool ledger_settle(struct transaction *transaction,
                              const struct ledger_settlement *settlement, struct fault *fault);

/* FAULT_QUOTE_PAID when it is too late. */
MUST_CHECK bool ledger_cancel(struct transaction *transaction, const struct uuid *quote,
                              int64_t now, struct fault *fault);

/* The change of a PAID one, in the order of its blanks. */
MUST_CHECK bool ledger_change(struct ledger *ledger, struct arena *arena, const struct uuid *quote,
                              const struct ledger_promise **change, uint32_t *count,
                              struct fault *fault);
