/* dice.h - repeatable randomness: the same seed throws the same numbers everywhere.
 *
 *   threads  one for each struct dice
 *   spec     splitmix64
 */
#pragma once

#include <stdint.h>

struct dice {
    uint64_t state;
};

uint64_t dice_throw(struct dice *dice);

/* In [0, bound); 0 without a throw when bound is 0. */
uint64_t dice_below(struct dice *dice, uint64_t bound);

/* In [0, bound), low numbers more often: with a density like x^(-2/3). */
uint64_t dice_skewed(struct dice *dice, uint64_t bound);

/* A length in [low, high): of those that reach a power of two times low, 35 of 100 stop there. */
uint64_t dice_length(struct dice *dice, uint64_t low, uint64_t high);
