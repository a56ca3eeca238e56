/* ledger_quote.h - quotes of credit to be issued, and its issue, once, within budgets.
 *
 *     UNPAID --pay--> PAID --issue--> ISSUED
 *
 * A budget is a name and a ceiling: what was taken from it, by all processes and ever, is never
 * more. Names say what it bounds: "ccr/cap", "ccr-promo/epoch/3", "ccr-promo/day/20779",
 * "ccr-promo/address/..". A ceiling may change from call to call; lowered below what is taken, it
 * gives no more. Taking is part of the transaction: what is refused takes nothing.
 *
 * Part of ledger, whose header says the rest. A change is told on the channel SCHEMA_quote with the
 * quote's id as payload, to connections that LISTEN.
 */
#pragma once

#include "gpu/ledger.h"

enum { LEDGER_METHOD_MAX = 32, LEDGER_REQUEST_MAX = 4096, LEDGER_PROOF_MAX = 4096 };

struct ledger_budget {
    const char *name; /* up to LEDGER_BUDGET_NAME_MAX */
    uint64_t ceiling;
};

struct ledger_budgets {
    const struct ledger_budget *at;
    uint32_t count; /* up to LEDGER_BUDGETS_MAX; no name twice */
};

enum mint_state { MINT_UNPAID, MINT_PAID, MINT_ISSUED };

struct mint_quote {
    struct uuid id;
    char method[LEDGER_METHOD_MAX + 1];
    char unit[LEDGER_UNIT_MAX + 1];
    uint64_t amount;     /* up to 2^62 */
    struct span request; /* what is to be paid: an invoice; up to LEDGER_REQUEST_MAX */
    bool is_locked;      /* NUT-20: only who has the key of */
    struct bytes33 key;  /* this may have it issued: the caller checks the signature */
    enum mint_state state;
    int64_t expiry; /* of an UNPAID one: no later payment counts; 0: none */
    int64_t created_at;
};

/* With state UNPAID or PAID. Budgets are taken from, by its amount. FAULT_AMOUNT_LIMIT: a budget
 * has not got so much left; text says which. */
MUST_CHECK bool ledger_mint_quote_add(struct ledger *ledger, const struct mint_quote *quote,
                                      const struct ledger_budgets *budgets, struct fault *fault);

/* FAULT_QUOTE_UNKNOWN. */
MUST_CHECK bool ledger_mint_quote_find(struct ledger *ledger, struct arena *arena,
                                       const struct uuid *id, struct mint_quote *quote,
                                       struct fault *fault);

/* It has been paid. True, too, when it was so already. */
MUST_CHECK bool ledger_mint_quote_pay(struct ledger *ledger, const struct uuid *id, int64_t now,
                                      struct fault *fault);

struct ledger_issue {
    struct uuid quote;
    struct bytes32 request;
    const struct ledger_promise *outputs; /* worth the quote's amount, of active keysets */
    uint32_t output_count;
    struct ledger_budgets budgets;
    int64_t now;
};

/* FAULT_QUOTE_UNPAID, FAULT_QUOTE_ISSUED, FAULT_UNBALANCED, FAULT_AMOUNT_LIMIT, FAULT_OUTPUT_*. */
MUST_CHECK bool ledger_issue(struct ledger *ledger, const struct ledger_issue *issue,
                             struct fault *fault);
