/* order_sale.h - an order is put down when it is quoted, and waits to be done when it is paid.
 *
 * Part of order. Both are steps of the mint's own transactions, and may be run again.
 *
 *   errors  false with FAULT_OURS when a statement failed: return false at once
 */
#pragma once

#include "gpu/order.h"

struct order_terms {
    struct bytes32 request; /* of body */
    struct span body, model, unit;
    struct bytes32 seed;
    struct price price;
    uint32_t prompt_tokens, tokens_max;
    int64_t expiry; /* unix seconds */
};
MUST_CHECK bool order_keep(struct transaction *transaction, const struct uuid *quote,
                           const struct order_terms *terms, struct fault *fault);
MUST_CHECK bool order_pay(struct orders *orders, struct transaction *transaction,
                          const struct uuid *quote, struct fault *fault);
