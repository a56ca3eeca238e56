/* lanes.h - registers of numbers, as wide as the file that includes this is compiled for.
 *
 *   lanes  LANES floats; ints as many integers of 32 bits
 *   reads  of any alignment: f16, bf16, bytes
 */
#pragma once

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* TOKENS: inputs whose sums, four each, leave room in the registers for what is being read; SOME:
 * fewer, for what is left. */
#ifdef __AVX512F__
typedef __m512 lanes;
typedef __m512i ints;

enum { LANES = 16, TOKENS = 6, SOME = 4 };

#define lanes_all(x) _mm512_set1_ps(x)
#define lanes_load(at) _mm512_loadu_ps(at)
#define lanes_store(at, x) _mm512_storeu_ps(at, x)
#define lanes_add(a, b) _mm512_add_ps(a, b)
#define lanes_sub(a, b) _mm512_sub_ps(a, b)
#define lanes_mul(a, b) _mm512_mul_ps(a, b)
#define lanes_div(a, b) _mm512_div_ps(a, b)
#define lanes_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define lanes_fma_less(a, b, c) _mm512_fmsub_ps(a, b, c)
#define lanes_round(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define lanes_of(i) _mm512_cvtepi32_ps(i)
#define lanes_negative(x) _mm512_xor_ps(x, _mm512_set1_ps(-0.0F))
#define lanes_positive(x) _mm512_andnot_ps(_mm512_set1_ps(-0.0F), x)
#define lanes_sign(x, of) _mm512_or_ps(x, _mm512_and_ps(of, _mm512_set1_ps(-0.0F)))
#define lanes_if_below(a, b, yes, no) \
    _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes)
#define lanes_power_of_two(x) \
    _mm512_castsi512_ps(      \
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(127)), 23))
#define lanes_f16(at) _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(at)))
#define lanes_bf16(at)   \
    _mm512_castsi512_ps( \
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(at))), 16))

#define ints_load(at) _mm512_loadu_si512(at)
#define ints_store(at, x) _mm512_storeu_si512(at, x)
#define ints_xor(a, b) _mm512_xor_si512(a, b)
#define ints_u8(at) _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(at)))
#define ints_i8(at) _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(at)))
#define ints_and(x, bits) _mm512_and_si512(x, _mm512_set1_epi32(bits))
#define ints_or(a, b) _mm512_or_si512(a, b)
#define ints_add(x, y) _mm512_add_epi32(x, _mm512_set1_epi32(y))
#define ints_all(x) _mm512_set1_epi32(x)
#define ints_max(a, b) _mm512_max_epi32(a, b)
#define ints_nearest(x) _mm512_cvtps_epi32(x)
#define ints_bits(x) _mm512_castps_si512(x)
/* Each integer plus four products of bytes, from 0 to 255 and -128 to 127. */
#define ints_dot(sum, bytes, digits) _mm512_dpbusd_epi32(sum, bytes, digits)
/* Of bytes from -128 to 127 and -127 to 127; less DOT_LESS times the sum of the digits. */
#define ints_dot_signed(sum, bytes, digits) \
    _mm512_dpbusd_epi32(sum, _mm512_xor_si512(bytes, _mm512_set1_epi8(-128)), digits)
#define DOT_LESS 128
#define ints_left(x, bits) _mm512_slli_epi32(x, (unsigned)(bits))
#define ints_right(x, bits) _mm512_srli_epi32(x, (unsigned)(bits))
#else
typedef __m256 lanes;
typedef __m256i ints;

enum { LANES = 8, TOKENS = 3, SOME = 2 };

#define lanes_all(x) _mm256_set1_ps(x)
#define lanes_load(at) _mm256_loadu_ps(at)
#define lanes_store(at, x) _mm256_storeu_ps(at, x)
#define lanes_add(a, b) _mm256_add_ps(a, b)
#define lanes_sub(a, b) _mm256_sub_ps(a, b)
#define lanes_mul(a, b) _mm256_mul_ps(a, b)
#define lanes_div(a, b) _mm256_div_ps(a, b)
#define lanes_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define lanes_fma_less(a, b, c) _mm256_fmsub_ps(a, b, c)
#define lanes_round(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define lanes_of(i) _mm256_cvtepi32_ps(i)
#define lanes_negative(x) _mm256_xor_ps(x, _mm256_set1_ps(-0.0F))
#define lanes_positive(x) _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x)
#define lanes_sign(x, of) _mm256_or_ps(x, _mm256_and_ps(of, _mm256_set1_ps(-0.0F)))
#define lanes_if_below(a, b, yes, no) _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define lanes_power_of_two(x) \
    _mm256_castsi256_ps(      \
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(127)), 23))
#define lanes_f16(at) _mm256_cvtph_ps(_mm_loadu_si128((const void *)(at)))
#define lanes_bf16(at)   \
    _mm256_castsi256_ps( \
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(at))), 16))

#define ints_load(at) _mm256_loadu_si256((const void *)(at))
#define ints_store(at, x) _mm256_storeu_si256((void *)(at), x)
#define ints_xor(a, b) _mm256_xor_si256(a, b)
#define ints_u8(at) _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(at)))
#define ints_i8(at) _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(at)))
#define ints_and(x, bits) _mm256_and_si256(x, _mm256_set1_epi32(bits))
#define ints_or(a, b) _mm256_or_si256(a, b)
#define ints_add(x, y) _mm256_add_epi32(x, _mm256_set1_epi32(y))
#define ints_all(x) _mm256_set1_epi32(x)
#define ints_max(a, b) _mm256_max_epi32(a, b)
#define ints_nearest(x) _mm256_cvtps_epi32(x)
#define ints_bits(x) _mm256_castps_si256(x)
/* Pairs are added in 16 bits: bytes are at most 128, so that no pair is too large for that. */
#define ints_dot(sum, bytes, digits) \
    _mm256_add_epi32(sum,            \
                     _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, digits), _mm256_set1_epi16(1)))
#define ints_dot_signed(sum, bytes, digits) \
    ints_dot(sum, _mm256_abs_epi8(bytes), _mm256_sign_epi8(digits, bytes))
#define DOT_LESS 0
#define ints_left(x, bits) _mm256_slli_epi32(x, (int)(bits))
#define ints_right(x, bits) _mm256_srli_epi32(x, (int)(bits))
#endif
