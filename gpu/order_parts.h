/* order_parts.h - what order's files share. Part of order.
 *
 *   threads  any
 */
#pragma once

#include <pthread.h>

#include "gpu/order_sale.h"
#include "gpu/order_work.h"
#include "gpu/transaction.h"

struct text;

struct orders {
    struct orders_setup setup;
    pthread_mutex_t lock; /* of the holder: one at a time */
};

/* A job, locked until the transaction ends. */
struct order_row {
    struct uuid quote;
    enum order_state state;
    int32_t fence;
    uint32_t attempts, windows, delivered, prompt_tokens;
    bool is_leased, is_late; /* it has a lease that has not run out; it is past its deadline */
    struct price price;
    struct bytes32 request, seed;
    struct span unit;
    uint32_t begun_ms, ms; /* as in struct order_view, until now */
};

/* False: none, or the transaction is lost; *found says which. */
MUST_CHECK bool order_lock(struct transaction *transaction, struct order_row *row,
                           const struct uuid *quote, bool *found);

/* The arrow to an end: COMPLETED, FAILED or CANCELLED. The money moves, a receipt is made. */
MUST_CHECK bool order_settle(struct orders *orders, struct transaction *transaction,
                             const struct order_row *row, const struct order_result *result,
                             struct fault *fault);

/* Back to PENDING. */
MUST_CHECK bool order_return(struct transaction *transaction, const struct uuid *quote);

MUST_CHECK bool order_tell(struct transaction *transaction, const char *channel,
                           const struct uuid *quote);

/* What a transaction's end means. */
enum order_answer order_answer_of(enum database_end end, const struct fault *fault,
                                  struct err *err);

/* The receipt as JSON, and its id. Nothing is written where nobody signs. */
struct order_paper {
    const struct order_row *row;
    uint32_t cached_tokens;
    uint64_t cost;
    struct bytes32 tokens; /* their hash */
};
void order_write_receipt(struct orders *orders, struct text *out, struct bytes32 *id,
                         const struct order_paper *paper);
