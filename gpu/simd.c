#include "gpu/simd.h"

#include "gpu/digit_tile.h"

static uint32_t read_words(const char *at, size_t bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i += sizeof sum) {
        uint32_t word;
        memcpy(&word, at + i, sizeof word);
        sum ^= word;
    }
    return sum;
}

static const struct simd simd_scalar = {"scalar",     tile_multiply, digit_tile_multiply,
                                        digits_write, kernel_attend, kernel_activate,
                                        kernel_cap,   read_words};

#ifdef __x86_64__
static const struct simd *const all[] = {&simd_avx512, &simd_avx2, NULL};

/* Processors with AVX2 have F16C. */
static bool has(const struct simd *simd)
{
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (simd == &simd_avx2)
        return has_avx2;
    return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#else
static const struct simd *const all[] = {NULL};

static bool has(const struct simd *simd)
{
    return simd != NULL;
}
#endif

const struct simd *simd_at(size_t index)
{
    for (const struct simd *const *simd = all; *simd != NULL; simd++)
        if (has(*simd) && index-- == 0)
            return *simd;
    return index == 0 ? &simd_scalar : NULL;
}
