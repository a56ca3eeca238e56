/* ledger_audit.h - whether a ledger's tables agree with each other, and what they add up to.
 *
 * Read in one moment, while others write: sums of what was signed, spent and held, from the rows
 * themselves; the same from the journal; that no request has made credit out of nothing; that what
 * is held is held for a quote. Of each keyset the roots of two Merkle sum trees, over promises by
 * B_ and over spent proofs by Y: who publishes them has said which credit there is, and a holder
 * can be shown that his is counted.
 *
 *   units      amounts in the keyset's unit
 *   ownership  ledger_audit_clear frees
 *   threads    any; takes as long as reading all rows
 *   errors     FAULT_OURS: the database is away. A difference is no error
 */
#pragma once

#include "gpu/ledger.h"
#include "shared/arena.h"
#include "shared/sumtree.h"
#include "shared/text.h"

enum { LEDGER_DIFFERENCES_MAX = 100 };

struct ledger_sum {
    struct ledger_keyset keyset;
    uint64_t promises, proofs;  /* rows; of proofs, those that are spent */
    uint64_t pending;           /* part of what is outstanding */
    struct sumtree_root issued; /* its sum is what was issued */
    struct sumtree_root spent;  /* its sum is what was spent */
    int64_t outstanding;        /* issued - spent */
};

struct ledger_audit {
    struct arena arena;
    struct ledger_sum *sums; /* by number of the keyset */
    uint32_t count;
    struct span differences[LEDGER_DIFFERENCES_MAX]; /* one line each */
    uint32_t difference_count;
};

MUST_CHECK bool ledger_audit(struct ledger *ledger, struct ledger_audit *audit,
                             struct fault *fault);
void ledger_audit_clear(struct ledger_audit *audit);

/* For people, and for programs. */
void ledger_audit_write(const struct ledger_audit *audit, struct text *out);
void ledger_audit_write_json(const struct ledger_audit *audit, struct text *out);
