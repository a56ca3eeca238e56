/* order_work.h - the executor's side of an order: claim it, renew the lease, deliver, finish.
 *
 * Part of order, whose header says the rest.
 */
#pragma once

#include "gpu/order.h"

/* Who claims. */
struct order_claimant {
    struct uuid worker;
    struct span model;
    uint32_t lease_ms;
};

struct order_claim {
    struct uuid quote;
    int32_t fence;
    struct span body;
    struct bytes32 seed;
    uint32_t tokens_max;
    uint32_t windows;   /* that were delivered by others before, */
    uint32_t delivered; /* their tokens, */
    struct span said;   /* and their text */
    uint32_t deadline_ms;
};

/* ORDER_LOST: there is none for that model. */
MUST_CHECK enum order_answer order_claim(struct orders *orders, struct order_claim *claim,
                                         struct arena *arena, const struct order_claimant *claimant,
                                         struct err *err);

struct order_lease {
    struct uuid quote;
    int32_t fence;
    bool is_unwanted;
};

/* All that the worker has: what is not among them is no longer its own. */
MUST_CHECK bool order_renew(struct orders *orders, const struct order_lease **leases,
                            uint32_t *count, struct arena *arena,
                            const struct order_claimant *claimant, struct err *err);

struct order_delivery {
    struct uuid quote;
    int32_t fence;
    uint32_t seq;
    struct span text;
    const uint32_t *tokens;
    uint32_t token_count;
};
MUST_CHECK enum order_answer order_deliver(struct orders *orders,
                                           const struct order_delivery *delivery, struct err *err);

struct order_result {
    struct uuid quote;
    int32_t fence;
    enum order_state state; /* COMPLETED, FAILED or CANCELLED; or PENDING: let another do it */
    bool is_full;
    uint32_t cached_tokens;
    const char *why; /* of FAILED; NULL */
};
MUST_CHECK enum order_answer order_finish(struct orders *orders, const struct order_result *result,
                                          struct err *err);
