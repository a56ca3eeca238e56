/* simd.h - the operators that take the time, for the registers that a processor has.
 *
 * Scalar is the meaning; the others give the same bits, sixteen or eight numbers at a time.
 *
 *   threads  pure
 */
#pragma once

#include "gpu/kernel.h"
#include "gpu/tile.h"

struct simd {
    const char *name;
    void (*multiply)(const struct tile_call *call);
    void (*multiply_digits)(const struct tile_call *call);
    void (*digits)(const struct digits *digits, const float *in, uint32_t columns);
    void (*attend)(float *out, float *scores, const struct kernel_attention *attention);
    void (*activate)(float *out, const float *gate, uint32_t count, enum hyper_activation act);
    void (*cap)(float *x, uint32_t count, float cap);
    /* The exclusive or of 32-bit words, of whole 256 bytes: how fast memory can be read. */
    uint32_t (*read)(const char *at, size_t bytes);
};

/* All that this processor can run, the fastest first; NULL past the last, which is scalar. */
const struct simd *simd_at(size_t index);

extern const struct simd simd_avx512, simd_avx2; /* on x86-64 */
