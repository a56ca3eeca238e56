/* norm.cuh - RMSNorm and LayerNorm: a block a row.
 *
 * A sum by lanes is 16 sums, each in order: 16 threads take one each, of numbers that all threads
 * have brought near.
 */
#pragma once

#include "gpu/cuda/dialect.cuh"

struct norm_job {
    global<float> out;
    global<const float> in, gain, bias;
    uint32_t width;
    float epsilon;
    bool has_bias;
};

enum { NORM_THREADS = 256, NORM_LANES = 16, NORM_NEAR = 4096 };

/* Halves are added to halves; every thread has the sum. */
static __device__ float norm_fold(shared<float> lanes)
{
    float sums[NORM_LANES];
    UNROLL
    for (uint32_t i = 0; i < NORM_LANES; i++)
        sums[i] = lanes[i];
    UNROLL
    for (uint32_t half = NORM_LANES / 2; half > 0; half /= 2) {
        UNROLL
        for (uint32_t i = 0; i < NORM_LANES / 2; i++) {
            if (i < half)
                sums[i] += sums[i + half];
        }
    }
    return sums[0];
}

/* The sum of the row's numbers; or, of what they are more than the mean, of the squares. */
static __device__ float norm_sum(global<const float> in, uint32_t width, bool is_square, float mean)
{
    SHARED(float, near, NORM_NEAR);
    SHARED(float, lanes, NORM_LANES);
    float sum = 0;
    for (uint32_t first = 0; first < width; first += NORM_NEAR) {
        uint32_t count = width - first < NORM_NEAR ? width - first : (uint32_t)NORM_NEAR;
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < count; i += NORM_THREADS)
            near[i] = in[first + i];
        __syncthreads();
        if (threadIdx.x >= NORM_LANES)
            continue;
        for (uint32_t i = threadIdx.x; i < count; i += NORM_LANES) {
            float x = near[i] - mean;
            sum = is_square ? fmaf(x, x, sum) : sum + x;
        }
    }
    if (threadIdx.x < NORM_LANES)
        lanes[threadIdx.x] = sum;
    __syncthreads();
    return norm_fold(lanes);
}

__global__ void __launch_bounds__(NORM_THREADS) norm_rows(norm_job job)
{
    global<const float> in = job.in + (size_t)blockIdx.x * job.width;
    global<float> out = job.out + (size_t)blockIdx.x * job.width;
    float count = (float)job.width;
    float mean = job.has_bias ? norm_sum(in, job.width, false, 0) / count : 0;
    float square = norm_sum(in, job.width, true, mean) / count;
    float scale = 1 / sqrtf(square + job.epsilon);
    for (uint32_t i = threadIdx.x; i < job.width; i += NORM_THREADS) {
        if (job.has_bias)
            out[i] = fmaf((in[i] - mean) * scale, job.gain[i], job.bias[i]);
        else
            out[i] = in[i] * scale * job.gain[i];
    }
}
