#include "gpu/half.h"

#include "gpu/scalar.h"

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) /* infinite, or NaN */
        return scalar_of_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest >= 0x0400)
        return scalar_of_bits(sign | ((rest << 13) + ((127 - 15) << 23)));
    float value = (float)rest * 0x1p-24F; /* subnormal */
    return sign != 0 ? -value : value;
}

uint16_t half_from_float(float value)
{
    uint32_t bits = scalar_bits(value);
    uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000) /* 65520: half-way from the largest to what would come next */
        return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) { /* 2^-14: subnormal. The sum's last bit is worth 2^-24 */
        uint32_t sum = scalar_bits(scalar_of_bits(bits) + 0.5F);
        return (uint16_t)(sign | (sum - scalar_bits(0.5F)));
    }
    uint32_t odd = bits >> 13 & 1;
    return (uint16_t)(sign | ((bits - ((127 - 15) << 23) + 0xfff + odd) >> 13));
}

float half_bf16_to_float(uint16_t bf16)
{
    return scalar_of_bf16(bf16);
}

uint16_t half_bf16_from_float(float value)
{
    return scalar_bf16(value);
}
