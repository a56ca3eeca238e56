/* ledger_parts.h - what the calls of a ledger have in common: sums, rows put in order, the journal.
 *
 * Part of ledger. Rows are inserted in the order of their keys, proofs before promises, both after
 * the quote and its budgets: whoever waits for another is not waited for by him.
 *
 *   threads  any
 *   errors   struct fault, as in ledger.h; FAULT_OURS when a statement failed
 */
#pragma once

#include "gpu/ledger_melt.h"
#include "shared/arena.h"

struct ledger {
    struct database *database;
};

/* Runs work in a transaction. True when it was committed; fault says why not: what PostgreSQL said,
 * or what work has put there. */
MUST_CHECK bool ledger_run(struct ledger *ledger, database_work_fn *work, void *argument,
                           struct fault *fault);
MUST_CHECK bool ledger_read(struct ledger *ledger, database_work_fn *work, void *argument,
                            struct fault *fault);

/* A statement failed: false. */
#define ledger_lost(fault) (fault_fill(fault, FAULT_OURS, "the database failed"), false)

/* ledger_keysets in a transaction of the caller's. */
MUST_CHECK bool ledger_keysets_in(struct transaction *transaction, struct arena *arena,
                                  const struct ledger_keyset **keysets, uint32_t *count,
                                  struct fault *fault);

/* ---- ledger_tally.c: what goes in and out, by keyset ---- */

enum { TALLY_KEYSETS_MAX = 64, LEDGER_AMOUNT_BITS_MAX = 62 };

struct tally_row {
    struct ledger_keyset keyset;
    int64_t retired_at; /* 0: not */
    uint64_t in, out;
    uint32_t inputs;
};

struct tally {
    uint32_t count;
    struct tally_row rows[TALLY_KEYSETS_MAX]; /* by number */
    uint64_t in, out, fee;
};

struct tally_call {
    const struct ledger_proof *inputs;
    uint32_t input_count;
    const struct ledger_promise *outputs;
    uint32_t output_count;
    const char *unit; /* of all; NULL: that of the first, and the same of all */
    int64_t now;
    int64_t retired_since; /* outputs may be of keysets that were active then; 0: are active */
};

/* Checks numbers, amounts, units, expiry, and that nothing is there twice. */
MUST_CHECK bool ledger_tally(struct transaction *transaction, struct tally *tally,
                             const struct tally_call *call, struct fault *fault);

/* ---- ledger_row.c: proofs and promises ---- */

/* Copies in the order of their keys. */
const struct ledger_proof *ledger_sort_proofs(struct arena *arena, const struct ledger_proof *at,
                                              uint32_t count);
const struct ledger_promise *ledger_sort_promises(struct arena *arena,
                                                  const struct ledger_promise *at, uint32_t count);

/* Sorted ones; quote: NULL for a swap, whose proofs are spent at once. As many rows change, or
 * some were there already. */
struct query ledger_insert_proofs(const struct ledger_proof *at, uint32_t count,
                                  const struct uuid *quote);
struct query ledger_insert_promises(const struct ledger_promise *at, uint32_t count);

/* Why fewer rows than wanted went in. False. */
MUST_CHECK bool ledger_explain_proofs(struct transaction *transaction,
                                      const struct ledger_proof *at, uint32_t count,
                                      struct fault *fault);
MUST_CHECK bool ledger_explain_promises(struct transaction *transaction,
                                        const struct bytes33 *first, size_t stride, uint32_t count,
                                        struct fault *fault);

/* ---- ledger_entry.c: the journal ---- */

enum entry_kind { ENTRY_ISSUE = 1, ENTRY_SWAP, ENTRY_HOLD, ENTRY_SETTLE, ENTRY_CANCEL };

/* What in and out of the tally are, by kind: spent, held or no more held; issued. */
struct query ledger_write_entries(const struct bytes32 *request, enum entry_kind kind,
                                  const struct tally *tally, int64_t now);

/* Whether it has been done. */
MUST_CHECK bool ledger_is_done(struct transaction *transaction, const struct bytes32 *request,
                               bool *is_done, struct fault *fault);

/* ---- ledger_budget.c ---- */

MUST_CHECK bool ledger_take(struct transaction *transaction, const struct ledger_budgets *budgets,
                            uint64_t amount, struct fault *fault);

/* ---- ledger_quote.c ---- */

/* Tells those that LISTEN. */
struct query ledger_tell(const struct uuid *quote);
