/* ledger.h - what a mint has signed and what was spent of it, in PostgreSQL, for any number of
 * processes.
 *
 * A proof is spent once: the unique key Y decides. A message is signed once: the unique key B_
 * decides. Each call is one transaction that leaves, for every keyset, issued - spent as what is
 * outstanding, where a proof that is PENDING is outstanding still; and each is written into a
 * journal under the hash of the request that asked for it. The same request again is true again,
 * and does nothing: since signing is deterministic, the caller's answer is the same, too (NUT-19).
 *
 * Signatures are made and checked by the caller, before the call. What is checked here: amounts,
 * fees and units of what goes in and out, and all that only the tables know.
 *
 *   units      amounts in the keyset's unit; unix seconds
 *   ownership  all in parameters is borrowed for the call; what comes out lives in the arena
 *   threads    any; a call waits for the database
 *   errors     struct fault, which says Cashu's number; FAULT_OURS when the database is away
 *   spec       Cashu NUT-02 to NUT-09, NUT-19; quotes: ledger_quote.h, ledger_melt.h
 */
#pragma once

#include "gpu/database.h"
#include "gpu/fault.h"
#include "gpu/uuid.h"
#include "shared/dleq.h"

struct arena;
struct ledger;

enum {
    LEDGER_LIST_MAX = 1000, /* inputs, outputs, states of one call */
    LEDGER_KEYSETS_MAX = 1024,
    LEDGER_UNIT_MAX = 16,
    LEDGER_BUDGETS_MAX = 4,
    LEDGER_BUDGET_NAME_MAX = 96
};

/* Over a database that outlives it, and that others (orders) may use, too. */
struct ledger *ledger_open(struct database *database);
void ledger_close(struct ledger *ledger);
struct database *ledger_database(struct ledger *ledger);

/* ---- keysets ---- */

struct ledger_keyset {
    int16_t number; /* by which proofs and promises name it here */
    bool is_active; /* new promises are made with it: one of each unit */
    char unit[LEDGER_UNIT_MAX + 1];
    struct bytes33 id;
    uint32_t index; /* 0, 1, ... in its unit: the seed and this make the keys */
    uint32_t input_fee_ppk;
    int64_t final_expiry; /* 0: none. From then on it is good for nothing */
};

/* All, by number. */
MUST_CHECK bool ledger_keysets(struct ledger *ledger, struct arena *arena,
                               const struct ledger_keyset **keysets, uint32_t *count,
                               struct fault *fault);

/* Rotation: the active one of its unit from now on is this, number and is_active of which are set.
 * One that is there already stays as it is. Its index is the one after the last of its unit: false
 * with FAULT_KEYSET_INACTIVE when another process was faster; read them again. */
MUST_CHECK bool ledger_keyset_add(struct ledger *ledger, struct ledger_keyset *keyset,
                                  struct fault *fault);

/* ---- swap, and what a wallet asks ---- */

struct ledger_proof {
    struct bytes33 y;
    int16_t keyset;
    uint64_t amount;
    struct span witness; /* told again by NUT-07; empty: none */
};

struct ledger_promise {
    struct bytes33 message;   /* B_ */
    struct bytes33 signature; /* C_ */
    struct dleq dleq;
    int16_t keyset;
    uint64_t amount;
};

struct ledger_swap {
    struct bytes32 request; /* the hash of method, path and body */
    const struct ledger_proof *inputs;
    uint32_t input_count;
    const struct ledger_promise *outputs;
    uint32_t output_count;
    int64_t now;
};
MUST_CHECK bool ledger_swap(struct ledger *ledger, const struct ledger_swap *swap,
                            struct fault *fault);

enum ledger_state { LEDGER_UNSPENT, LEDGER_PENDING, LEDGER_SPENT };

struct ledger_seen {
    enum ledger_state state;
    struct span witness; /* of one that is not UNSPENT; at is NULL: none */
};

/* In the order of ys. */
MUST_CHECK bool ledger_states(struct ledger *ledger, struct arena *arena, const struct bytes33 *ys,
                              uint32_t count, const struct ledger_seen **seen, struct fault *fault);

struct ledger_found {
    const struct ledger_promise *promises;
    uint32_t count;
};

/* Those of the messages that were signed, in the order of messages. */
MUST_CHECK bool ledger_restore(struct ledger *ledger, struct arena *arena,
                               const struct bytes33 *messages, uint32_t count,
                               struct ledger_found *found, struct fault *fault);
