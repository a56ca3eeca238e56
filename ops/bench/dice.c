#include "ops/bench/dice.h"

uint64_t dice_throw(struct dice *dice)
{
    uint64_t z = (dice->state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t bound)
{
    return bound == 0 ? 0 : dice_throw(dice) % bound;
}

uint64_t dice_skewed(struct dice *dice, uint64_t bound)
{
    double u = (double)(dice_throw(dice) >> 11) * 0x1p-53;
    return (uint64_t)(u * u * u * (double)bound);
}

uint64_t dice_length(struct dice *dice, uint64_t low, uint64_t high)
{
    while (low * 2 < high && dice_below(dice, 100) >= 35)
        low *= 2;
    return low + dice_below(dice, low * 2 < high ? low : high - low);
}
