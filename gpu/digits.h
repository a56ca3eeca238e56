/* digits.h - a row of numbers as small integers, to be multiplied exactly by small integers.
 *
 * Each block of 32 has a scale: its greatest magnitude over 127. A number is the integer nearest to
 * number / scale, of two as near the even one. A block whose magnitudes are all below 2^-119 is 0;
 * one with a number that is not finite has the scale NaN, so that what follows from it shows it.
 *
 *   threads  pure
 */
#pragma once

#include "shared/base.h"

enum { DIGITS_BLOCK = 32 };

/* Of a row, or of the first of many; the next row's follow. */
struct digits {
    int8_t *at;
    float *scales; /* of blocks */
    int32_t *sums; /* of the integers of blocks */
};

/* The scale of a block whose greatest magnitude has those bits. */
float digits_scale(uint32_t bits);

/* columns: whole blocks. */
void digits_write(const struct digits *digits, const float *in, uint32_t columns);
