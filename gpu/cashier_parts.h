/* cashier_parts.h - what cashier's files share. Part of cashier. */
#pragma once

#include <pthread.h>

#include "client/wallet.h"
#include "gpu/cashier.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

/* One request, from when it is submitted until its end has been told. */
struct sale {
    struct cashier *cashier;
    struct sale *next;
    uint64_t number;
    const struct ask *ask;
    uv_work_t work;
    bool is_working, is_rung, is_cancelled, has_order;
    bool cancels; /* the work does, before it looks */
    struct uuid quote;
    uint32_t from; /* windows that were told */
    /* Of the work. */
    struct arena arena;
    struct bytes64 seed;         /* of the change's coins */
    struct wallet_keyset keyset; /* that the change is of; its keys are read with it */
    size_t blank_count;
    uint64_t fee; /* for the token's inputs */
    struct span unit;
    struct arena view_arena; /* of the last look */
    struct order_view view;
    enum order_answer answer;
    struct refusal refusal;
    bool is_refused;
    struct text payment; /* what is asked for, or goes back */
};

struct cashier {
    struct source source;
    struct cashier_setup setup;
    struct sale *sales;
};

/* On the loop's pool. Pays; false: refusal, and payment says what is wanted. */
MUST_CHECK bool cashier_pay(struct sale *sale);

/* What is left, as a token: into payment. Nothing, when nothing is. */
void cashier_change(struct sale *sale);
