/* plan.h - how the layers of one model are shared out, as all who choose work it out alike. Part
 * of allocation.
 *
 *   units      layers; how many times a layer is had (allocation.h)
 *   ownership  plan_make to plan_clear
 *   threads    pure
 */
#pragma once

#include "gpu/allocation.h"

/* A node that chooses. */
struct plan_member {
    struct bytes32 key;
    uint32_t old_first, old_end; /* what it holds */
    uint32_t first, end;         /* what it had best hold */
    uint32_t room, capacity;
};

struct plan_layer {
    uint32_t holders;
    float times;
};

struct plan {
    uint32_t layers;
    struct plan_member *members; /* by key */
    uint32_t count, self;
    struct plan_layer *before, *after;
    uint32_t lacks_before, lacks_after; /* layers that nobody has */
    uint32_t lacking;                   /* the first of them, before */
    float least_before, least_after;    /* how many times the weakest layer is had */
};

void plan_make(struct plan *plan, const struct allocation_facts *facts, uint32_t index);
void plan_clear(struct plan *plan);

/* How many of those who are to move go before self. */
uint32_t plan_rank(const struct plan *plan);

/* Of a model as it is: how many times its weakest layer is had without self, and how many answers
 * are being made or wait, in all of its layers. */
float plan_least_of_others(const struct allocation_facts *facts, uint32_t index);
float plan_busy(const struct allocation_facts *facts, uint32_t index);
