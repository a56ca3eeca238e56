/* plan_parts.h - what the files of plan share.
 *
 *   ownership, threads  plan.h's
 */
#pragma once

#include "gpu/plan.h"

/* Zeroes, to be freed. */
void *plan_array(size_t count, size_t size);

/* By key, of struct plan_member. */
int plan_compare_keys(const void *left, const void *right);

/* The layers are had by one more. */
void plan_hold(struct plan_layer *at, uint32_t layers, uint32_t first, uint32_t end,
               uint32_t capacity);

/* Sets what members had best hold, and after; which has those who stay as they are already. */
void plan_arrange(struct plan *plan);
