/* mint.h - a Cashu mint: credit is issued blindly, swapped and spent. JSON in, JSON out.
 *
 * What the verbs of a wallet ask comes by any transport and is answered by mint_call. What credit
 * is bought with (grant, bolt11), and what it is spent on (compute, bolt11), are methods, which are
 * registered by who does the work; those that spend settle what they have done with mint_settle.
 *
 *   units      amounts in a keyset's unit, 0.01 credit; unix seconds
 *   ownership  mint_open to mint_close; the ledger, the seed and methods' owners outlive it
 *   threads    any after the methods are set; a call blocks while the database is asked
 *   errors     mint_call has none: a refusal is an answer, too
 *   spec       Cashu NUT-01 to NUT-09, NUT-12, NUT-19, NUT-20; NUT-10 and NUT-11
 */
#pragma once

#include "gpu/uuid.h"
#include "shared/base.h"
#include "shared/text.h"

struct arena;
struct err;
struct fault;
struct ledger;
struct mint;
struct mint_policy;
struct transaction;

enum {
    MINT_BODY_BYTES_MAX = 1 << 20,
    MINT_LIST_MAX = 1000, /* inputs, outputs, states */
    MINT_METHODS_MAX = 8,
    MINT_METHOD_NAME_MAX = 32,
    MINT_REQUEST_MAX = 4096,
    MINT_ID_CHARS = 66, /* of a keyset */
    MINT_NEXT_MAX = 95,
    MINT_DAY_S = 86400
};

struct mint_call {
    const char *method, *path; /* "POST", "/v1/swap" */
    struct span body;
    struct span address; /* of who asks, for limits; empty: not known, as over a relay */
};

/* Of an answer that tells of a melt. WAITS: it is PENDING, and who asked wants to hear more, which is
 * told by a GET of the path next. */
enum mint_melting {
    MINT_MELT_NONE,
    MINT_MELT_PENDING,
    MINT_MELT_WAITS,
    MINT_MELT_FREE,
    MINT_MELT_PAID
};

struct mint_answer {
    uint32_t status;  /* of HTTP */
    struct text body; /* JSON; text_clear */
    enum mint_melting melting;
    char next[MINT_NEXT_MAX + 1];
};

void mint_call(struct mint *mint, struct mint_answer *answer, const struct mint_call *call);

/* Whether a mint has such a verb. */
bool mint_serves(const char *method, const char *path);

/* ---- what credit is bought with ---- */

struct mint_bill {
    struct uuid quote;   /* its id: mint_name_quote makes one */
    struct span request; /* what is to be paid, in the arena, up to MINT_REQUEST_MAX bytes */
    int64_t expiry;
};

struct mint_sale {
    const char *name, *unit; /* "bolt11" */
    void *owner;
    uint64_t amount_min, amount_max;

    /* Says what is to be paid for amount, and where. description: for who pays; may be empty. */
    bool (*ask)(void *owner, struct mint_bill *bill, struct arena *arena, uint64_t amount,
                struct span description, struct fault *fault);
    /* Looks whether the bill of a quote that is UNPAID was paid, and if so puts that down. Where
     * nobody can tell, it does nothing. */
    void (*look)(void *owner, const struct uuid *quote, struct span request);
};

/* Before the first call. */
void mint_buy_with(struct mint *mint, const struct mint_sale *sale);

/* The same id for the same words, which nobody else can make of them. */
struct uuid mint_name_quote(const struct mint *mint, const char *purpose, struct span words);

/* ---- what credit is spent on ---- */

struct mint_terms {
    uint64_t amount, fee_reserve; /* what it costs, and the most that may come on top */
    struct span request;          /* told with the quote, up to MINT_REQUEST_MAX bytes of UTF-8 */
    struct span more;             /* further members of the quote, as "offer":"...", or empty */
    int64_t expiry;
    void *job; /* the method's, in the arena, for keep */
};

struct mint_method {
    const char *name; /* "compute" */
    const char *unit; /* alone; NULL: all */
    void *owner;
    uint64_t amount_min, amount_max;

    /* Says the terms of what body, the whole JSON object of POST /v1/melt/quote/NAME, asks for.
     * What terms point to lives in the arena. */
    bool (*quote)(void *owner, struct mint_terms *terms, struct arena *arena, struct span unit,
                  struct span body, struct fault *fault);
    /* In the transaction that puts the quote down, after it. NULL: nothing. */
    bool (*keep)(void *owner, struct transaction *transaction, const struct uuid *quote,
                 const struct mint_terms *terms, struct fault *fault);
    /* In the transaction that makes the quote and its proofs PENDING, after it. Run again, it finds
     * its own traces, as the ledger's steps do. */
    bool (*pay)(void *owner, struct transaction *transaction, const struct uuid *quote,
                struct fault *fault);
};

/* Before the first call. */
void mint_spend_by(struct mint *mint, const struct mint_method *method);

/* In a transaction of the method's: the quote is PAID, its proofs are SPENT, and what the proofs
 * are worth beyond cost is signed as change. proof: told as payment_preimage. Giving all back
 * instead is ledger_cancel. */
MUST_CHECK bool mint_settle(struct mint *mint, struct transaction *transaction,
                            const struct uuid *quote, uint64_t cost, struct span proof,
                            struct fault *fault);

/* ---- the mint ---- */

struct mint_setup {
    struct ledger *ledger;
    const struct bytes32 *seed; /* in locked memory; borrowed */
    const struct mint_policy *policy;
    const char *name; /* of /v1/info */
};

/* NULL on failure. Keysets that the policy wants and that are not there yet are made. */
MUST_CHECK struct mint *mint_open(const struct mint_setup *setup, struct err *err);
void mint_close(struct mint *mint);

/* A new keyset of the unit, which is signed with from now on; id: its digits. */
MUST_CHECK bool mint_rotate(struct mint *mint, const char *unit, char id[MINT_ID_CHARS + 1],
                            struct err *err);

const struct mint_policy *mint_terms_of(const struct mint *mint);

/* What is told of the policy: content of kind 38431. */
void mint_write_policy(const struct mint *mint, struct text *out);

/* What was issued and spent, as ledger_audit has it, reading all rows: content of kind 38432. */
MUST_CHECK bool mint_write_supply(struct mint *mint, struct text *out, struct err *err);
