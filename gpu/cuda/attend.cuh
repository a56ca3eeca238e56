/* attend.cuh - what a head looks for among its session's keys: a block a row and head.
 *
 * Positions are seen by rounds, twice: first for the best score alone, then for weights, their sum
 * and the sum of the values, each in the order of gpu/kernel.h. Scores are made again rather than
 * kept, so that a text of any length needs no more than a round's room. A row of a prompt and a
 * decoded one are computed alike.
 */
#pragma once

#include "gpu/cuda/dialect.cuh"
#include "gpu/exec.h"
#include "gpu/hyper.h"
#include "gpu/scalar.h"

struct attend_job {
    global<float> out;
    global<const float> query;
    global<const char> slab;
    global<const uint32_t> positions, pages, page_firsts;
    uint64_t page_bytes, keys, values;
    uint32_t heads, kv_heads, head_size, window;
    float scale, cap;
};

enum {
    ATTEND_THREADS = 256,
    ATTEND_LANES = 16,
    ATTEND_NUMBERS = (HYPER_HEAD_SIZE_MAX + ATTEND_THREADS - 1) / ATTEND_THREADS
};

static __device__ __forceinline__ float attend_load(global<const float> at, size_t index)
{
    return at[index];
}

static __device__ __forceinline__ float attend_load(global<const uint16_t> at, size_t index)
{
    return scalar_of_bf16(at[index]);
}

/* A head's view of its session. */
struct attend_view {
    global<const uint32_t> pages;
    global<const char> keys, values; /* of the head, in the slab's first page */
    uint64_t page_bytes;
    uint32_t first, end, head_size;
    float scale, cap;
};

template <class T>
static __device__ float attend_score(const attend_view &view, shared<const float> query,
                                     uint32_t position)
{
    uint64_t page = view.pages[position / EXEC_PAGE] * view.page_bytes;
    global<const T> keys = as<const T>(view.keys + page) + position % EXEC_PAGE;
    float sums[4] = {};
    uint32_t i = 0;
    for (; i + 4 <= view.head_size; i += 4) {
        UNROLL
        for (uint32_t j = 0; j < 4; j++)
            sums[j] = fmaf(query[i + j], attend_load(keys, (i + j) * EXEC_PAGE), sums[j]);
    }
    UNROLL
    for (uint32_t j = 0; j < 3; j++)
        if (i + j < view.head_size)
            sums[j] = fmaf(query[i + j], attend_load(keys, (i + j) * EXEC_PAGE), sums[j]);
    float score = ((sums[0] + sums[1]) + (sums[2] + sums[3])) * view.scale;
    return view.cap == 0 ? score : scalar_cap(score, view.cap);
}

/* The most of what each thread has, in every thread. */
static __device__ float attend_most(float most)
{
    SHARED(float, of_warps, ATTEND_THREADS / 32);
    UNROLL
    for (uint32_t bits = 16; bits > 0; bits /= 2) {
        float other = __shfl_xor_sync(EVERY_LANE, most, bits);
        most = other > most ? other : most;
    }
    if (threadIdx.x % 32 == 0)
        of_warps[threadIdx.x / 32] = most;
    __syncthreads();
    most = of_warps[0];
    UNROLL
    for (uint32_t i = 1; i < ATTEND_THREADS / 32; i++)
        most = of_warps[i] > most ? of_warps[i] : most;
    return most;
}

/* Adds a round's values, each times its weight, to the sums of the numbers that a thread has. */
template <class T>
static __device__ void attend_add(float *sums, const attend_view &view, shared<const float> weights,
                                  uint32_t begin, uint32_t end)
{
    for (uint32_t page = begin; page < end; page += EXEC_PAGE) {
        global<const T> values =
            as<const T>(view.values + view.pages[page / EXEC_PAGE] * view.page_bytes);
        uint32_t slot = page < view.first ? view.first - page : 0;
        uint32_t slots = end - page < EXEC_PAGE ? end - page : (uint32_t)EXEC_PAGE;
        UNROLL_BY(4)
        for (; slot < slots; slot++) {
            float weight = weights[page - begin + slot];
            UNROLL
            for (uint32_t n = 0; n < ATTEND_NUMBERS; n++) {
                uint32_t i = threadIdx.x + n * ATTEND_THREADS;
                if (i < view.head_size)
                    sums[n] = fmaf(weight, attend_load(values, slot * view.head_size + i), sums[n]);
            }
        }
    }
}

/* Halves are added to halves. */
static __device__ float attend_fold(shared<const float> lanes)
{
    float sums[ATTEND_LANES];
    UNROLL
    for (uint32_t i = 0; i < ATTEND_LANES; i++)
        sums[i] = lanes[i];
    UNROLL
    for (uint32_t i = 0; i < 8; i++)
        sums[i] += sums[i + 8];
    UNROLL
    for (uint32_t i = 0; i < 4; i++)
        sums[i] += sums[i + 4];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static __device__ attend_view attend_look(const attend_job &job, shared<float> query)
{
    size_t row = blockIdx.y;
    uint32_t head = blockIdx.x;
    uint32_t kv_head = head / (job.heads / job.kv_heads);
    uint64_t head_bytes = (job.values - job.keys) / job.kv_heads;
    uint32_t end = job.positions[row] + 1;
    global<const float> from = job.query + (row * job.heads + head) * job.head_size;
    for (uint32_t i = threadIdx.x; i < job.head_size; i += ATTEND_THREADS)
        query[i] = from[i];
    return {job.pages + job.page_firsts[row],
            job.slab + (job.keys + kv_head * head_bytes),
            job.slab + (job.values + kv_head * head_bytes),
            job.page_bytes,
            job.window != 0 && end > job.window ? end - job.window : 0,
            end,
            job.head_size,
            job.scale,
            job.cap};
}

/* T: what is kept, float or bf16 */
template <class T> __global__ void __launch_bounds__(ATTEND_THREADS) attend_rows(attend_job job)
{
    SHARED(float, query, HYPER_HEAD_SIZE_MAX);
    SHARED(float, weights, ATTEND_THREADS);
    SHARED(float, lanes, ATTEND_LANES);
    attend_view view = attend_look(job, query);
    __syncthreads();
    uint32_t begin = view.first / EXEC_PAGE * EXEC_PAGE;
    float most = -INFINITY;
    for (uint32_t at = begin + threadIdx.x; at < view.end; at += ATTEND_THREADS) {
        float score = at < view.first ? -INFINITY : attend_score<T>(view, query, at);
        most = score > most ? score : most;
    }
    most = attend_most(most);
    float sum = 0;
    float sums[ATTEND_NUMBERS] = {};
    for (; begin < view.end; begin += ATTEND_THREADS) {
        uint32_t at = begin + threadIdx.x;
        uint32_t end =
            view.end - begin < ATTEND_THREADS ? view.end : begin + (uint32_t)ATTEND_THREADS;
        float weight = 0;
        if (at >= view.first && at < view.end)
            weight = scalar_exp(attend_score<T>(view, query, at) - most);
        __syncthreads();
        weights[threadIdx.x] = weight;
        __syncthreads();
        uint32_t count = threadIdx.x < ATTEND_LANES ? end - begin : 0;
        for (uint32_t i = threadIdx.x; i < count; i += ATTEND_LANES)
            sum += weights[i];
        attend_add<T>(sums, view, weights, begin, end);
    }
    if (threadIdx.x < ATTEND_LANES)
        lanes[threadIdx.x] = sum;
    __syncthreads();
    sum = attend_fold(lanes);
    global<float> out = job.out + ((size_t)blockIdx.y * job.heads + blockIdx.x) * job.head_size;
    UNROLL
    for (uint32_t n = 0; n < ATTEND_NUMBERS; n++) {
        uint32_t i = threadIdx.x + n * ATTEND_THREADS;
        if (i < job.head_size)
            out[i] = sums[n] / sum;
    }
}
