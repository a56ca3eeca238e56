/* scalar.h - functions of one number, for processors and cards alike: the same bits on both.
 *
 *   threads  pure
 */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define SCALAR static __device__ __forceinline__
#else
#define SCALAR static inline
#endif

SCALAR float scalar_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SCALAR uint32_t scalar_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Of a block of digits (gpu/digits.h) whose greatest magnitude has those bits. */
SCALAR float scalar_digit_scale(uint32_t bits)
{
    float most = scalar_of_bits(bits);
    if (bits >= 0x7f800000)
        return scalar_of_bits(0x7fc00000); /* NaN */
    return most < 0x1p-119F ? 0 : most / 127;
}

SCALAR float scalar_of_bf16(uint16_t bf16)
{
    return scalar_of_bits((uint32_t)bf16 << 16);
}

SCALAR uint16_t scalar_bf16(float value)
{
    uint32_t bits = scalar_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* e^x, to 2 units in the last place; 0 below -87, infinite past 88 */
SCALAR float scalar_exp(float x)
{
    if (x < -87.0F)
        return 0;
    if (x > 88.0F)
        return INFINITY;
    float power = rintf(x * 0x1.715476p0F);     /* log2(e) */
    float rest = fmaf(power, -0x1.62e4p-1F, x); /* ln(2), the part whose products are exact */
    rest = fmaf(power, -0x1.7f7d1cp-20F, rest); /* and what it lacks */
    float sum = 1.0F / 5040;
    sum = fmaf(sum, rest, 1.0F / 720);
    sum = fmaf(sum, rest, 1.0F / 120);
    sum = fmaf(sum, rest, 1.0F / 24);
    sum = fmaf(sum, rest, 1.0F / 6);
    sum = fmaf(sum, rest, 0.5F);
    sum = fmaf(sum, rest, 1);
    sum = fmaf(sum, rest, 1);
    return sum * scalar_of_bits((uint32_t)((int32_t)power + 127) << 23);
}

SCALAR float scalar_silu(float x)
{
    return x / (1 + scalar_exp(-x));
}

/* x / 2 * (1 + tanh(u)) is x / (1 + e^-2u). */
SCALAR float scalar_gelu(float x)
{
    float cube = x * x * x;
    return x / (1 + scalar_exp(-0x1.988454p0F * fmaf(0.044715F, cube, x))); /* 2 sqrt(2 / pi) */
}

SCALAR float scalar_tanh(float x)
{
    float square = x * x;
    if (square < 0.0625F) { /* where one minus an exponential would lose what matters */
        float sum = 62.0F / 2835;
        sum = fmaf(sum, square, -17.0F / 315);
        sum = fmaf(sum, square, 2.0F / 15);
        sum = fmaf(sum, square, -1.0F / 3);
        return fmaf(sum * square, x, x);
    }
    float power = scalar_exp(-2 * fabsf(x));
    return copysignf((1 - power) / (1 + power), x);
}

/* cap * tanh(x / cap) */
SCALAR float scalar_cap(float x, float cap)
{
    return cap * scalar_tanh(x / cap);
}
