/* simd_digits.h - products of small integers, for the registers of the file that includes this.
 *
 *   threads  pure
 */
#pragma once

#include "gpu/tile.h"

#ifdef __AVX512F__
#define simd_multiply_digits simd_multiply_digits_avx512
#define simd_write_digits simd_write_digits_avx512
#else
#define simd_multiply_digits simd_multiply_digits_avx2
#define simd_write_digits simd_write_digits_avx2
#endif

/* digit_tile_multiply */
void simd_multiply_digits(const struct tile_call *call);

/* digits_write */
void simd_write_digits(const struct digits *digits, const float *in, uint32_t columns);
