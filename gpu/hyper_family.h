/* hyper_family.h - what a family leaves unsaid, and frequencies that are told by a rule.
 *
 *   threads  pure
 */
#pragma once

#include "gpu/hyper.h"

/* By name as config.json and GGUF tell it. */
MUST_CHECK bool hyper_family_find(struct hyper *hyper, struct span name, struct err *err);

/* Turned alike everywhere: all divisors 1, of both kinds. */
void hyper_family_plain_rope(struct hyper *hyper);

/* Llama 3.1's: long waves are slowed by factor, short ones not at all, a ramp between them. */
struct hyper_llama3 {
    double factor, low, high, original_context;
};
void hyper_family_llama3_rope(struct hyper *hyper, const struct hyper_llama3 *rule);
