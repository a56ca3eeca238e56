/* mint_method.h - what credit is bought with, and what it is spent on: told to a mint by whoever
 * does the work. Part of mint.
 *
 *   units      amounts in a keyset's unit; unix seconds
 *   ownership  a method is copied; its owner outlives the mint
 *   threads    a method is called on any thread; registered before the first call
 *   errors     struct fault
 *   spec       Cashu NUT-04, NUT-05
 */
#pragma once

#include "gpu/uuid.h"
#include "shared/base.h"

struct arena;
struct fault;
struct mint;
struct transaction;

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
