/* row.h - a row of a tensor as floats, and floats as a row.
 *
 * What a stored row means is exact: each element is a real number, rounded once to float. For all
 * types but Q4_K the number is a float already; a Q4_K element d*s*q - m*t is rounded in the
 * subtraction alone, as both products have at most 21 significant bits. Fast kernels are measured
 * against this.
 *
 *     Q8_0  d f16, 32 q int8                         d * q
 *     Q4_0  d f16, 32 q of 4 bits, first 16 low      d * (q - 8)
 *     Q4_K  d f16, m f16, 8 (s, t) of 6 bits, 256 q  d * s * q - m * t
 *     Q6_K  256 q of 6 bits, 16 s int8, d f16        d * s * (q - 32)
 *
 * Own quantisation, from a model in bf16: d is what spreads the block's largest magnitude to the
 * end of the range (127 of Q8_0; -8 of Q4_0, whose one further step is on the negative side),
 * rounded to f16; then each q is what is nearest to x / d, so that the rounding of d is no error
 * on top.
 *
 *   units      elements, whole blocks; little-endian, of any alignment
 *   ownership  borrowed
 *   threads    pure
 */
#pragma once

#include "gpu/dtype.h"
#include "shared/base.h"

struct err;

/* type: one of the weights. bytes: count elements. */
void row_read(float *out, enum dtype type, const void *bytes, size_t count);

/* type: F32, F16, BF16, Q8 or Q4. Fails with the index of what is no finite number, or too large
 * for the type. */
MUST_CHECK bool row_write(void *bytes, enum dtype type, const float *row, size_t count,
                          struct err *err);
