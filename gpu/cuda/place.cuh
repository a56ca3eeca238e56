/* place.cuh - turns queries and keys by their positions, and keeps keys and values in their pages.
 * A block a row.
 */
#pragma once

#include "gpu/cuda/dialect.cuh"
#include "gpu/exec.h"
#include "gpu/scalar.h"

struct place_job {
    global<float> query;
    global<const float> key, value, turns;
    global<const uint32_t> positions, pages;
    global<char> slab;
    uint64_t page_bytes, keys, values;
    uint32_t heads, kv_heads, head_size, rotary;
};

enum { PLACE_THREADS = 128 };

struct place_pair {
    float first, second;
};

static __device__ place_pair place_turn(place_pair pair, global<const float> turn)
{
    float cosine = turn[0];
    float sine = turn[1];
    return {fmaf(pair.first, cosine, -(pair.second * sine)),
            fmaf(pair.second, cosine, pair.first * sine)};
}

/* Number i of a head of keys, turned. */
static __device__ float place_key(global<const float> key, uint32_t i, uint32_t rotary,
                                  global<const float> turns)
{
    uint32_t half = rotary / 2;
    if (i >= rotary)
        return key[i];
    uint32_t pair = i < half ? i : i - half;
    place_pair turned = place_turn({key[pair], key[pair + half]}, turns + 2 * pair);
    return i < half ? turned.first : turned.second;
}

static __device__ void place_put(global<float> at, float value)
{
    at[0] = value;
}

static __device__ void place_put(global<uint16_t> at, float value)
{
    at[0] = scalar_bf16(value);
}

/* T: what is kept, float or bf16 */
template <class T> __global__ void __launch_bounds__(PLACE_THREADS) place_rows(place_job job)
{
    size_t row = blockIdx.x;
    uint32_t half = job.rotary / 2;
    uint32_t size = job.head_size;
    uint32_t slot = job.positions[row] % EXEC_PAGE;
    global<const float> turns = job.turns + row * job.rotary;
    global<float> query = job.query + row * job.heads * size;
    global<char> page = job.slab + job.pages[row] * job.page_bytes;
    global<T> keys = as<T>(page + job.keys);
    global<T> values = as<T>(page + job.values);
    for (uint32_t i = threadIdx.x; i < job.heads * half; i += PLACE_THREADS) {
        global<float> at = query + (size_t)(i / half * size + i % half);
        place_pair turned = place_turn({at[0], at[half]}, turns + 2 * (i % half));
        at[0] = turned.first;
        at[half] = turned.second;
    }
    for (uint32_t i = threadIdx.x; i < job.kv_heads * size; i += PLACE_THREADS) {
        uint32_t head = i / size;
        uint32_t at = i % size;
        size_t first = (row * job.kv_heads + head) * size;
        size_t kept = (size_t)head * size * EXEC_PAGE;
        place_put(keys + (kept + at * EXEC_PAGE + slot),
                  place_key(job.key + first, at, job.rotary, turns));
        place_put(values + (kept + slot * size + at), job.value[first + at]);
    }
}
