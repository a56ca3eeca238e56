#include "gpu/digits.h"

#include <math.h>

#include "gpu/scalar.h"

float digits_scale(uint32_t bits)
{
    return scalar_digit_scale(bits);
}

void digits_write(const struct digits *digits, const float *in, uint32_t columns)
{
    for (uint32_t block = 0; block < columns / DIGITS_BLOCK; block++) {
        const float *from = in + (size_t)block * DIGITS_BLOCK;
        int8_t *to = digits->at + (size_t)block * DIGITS_BLOCK;
        uint32_t most = 0;
        int32_t sum = 0;
        for (uint32_t i = 0; i < DIGITS_BLOCK; i++) {
            uint32_t bits;
            memcpy(&bits, from + i, sizeof bits);
            bits &= 0x7fffffff; /* in the order of magnitudes, what is not finite last */
            most = bits > most ? bits : most;
        }
        float scale = digits_scale(most);
        for (uint32_t i = 0; i < DIGITS_BLOCK; i++) {
            to[i] = scale > 0 ? (int8_t)rintf(from[i] / scale) : 0;
            sum += to[i];
        }
        digits->scales[block] = scale;
        digits->sums[block] = sum;
    }
}
