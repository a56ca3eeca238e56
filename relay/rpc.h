/* rpc.h - the body of a management request: a method and its parameters.
 *
 *   ownership  spans point into the body or the arena
 *   threads    pure
 *   errors     ERR_INVALID: what was expected, and where
 *   spec       NIP-86
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

enum { RPC_PARAMS_MAX = 5 };

struct rpc {
    struct span method;
    uint32_t count;
    struct span params[RPC_PARAMS_MAX]; /* texts decoded; numbers in decimal; null is "" */
};

MUST_CHECK bool rpc_parse(struct rpc *rpc, struct arena *arena, struct span body, struct err *err);
