#include "gpu/half.h"

#include <string.h>

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) /* infinite, or NaN */
        return from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest >= 0x0400)
        return from_bits(sign | ((rest << 13) + ((127 - 15) << 23)));
    float value = (float)rest * 0x1p-24F; /* subnormal */
    return sign != 0 ? -value : value;
}

uint16_t half_from_float(float value)
{
    uint32_t bits = to_bits(value);
    uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000) /* 65520: half-way from the largest to what would come next */
        return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) { /* 2^-14: subnormal. The sum's last bit is worth 2^-24 */
        uint32_t sum = to_bits(from_bits(bits) + 0.5F);
        return (uint16_t)(sign | (sum - to_bits(0.5F)));
    }
    uint32_t odd = bits >> 13 & 1;
    return (uint16_t)(sign | ((bits - ((127 - 15) << 23) + 0xfff + odd) >> 13));
}

float half_bf16_to_float(uint16_t bf16)
{
    return from_bits((uint32_t)bf16 << 16);
}

uint16_t half_bf16_from_float(float value)
{
    uint32_t bits = to_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
