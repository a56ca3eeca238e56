/* pointwise.cuh - what is done to each number by itself.
 */
#pragma once

#include "gpu/cuda/dialect.cuh"
#include "gpu/hyper.h"
#include "gpu/scalar.h"

enum { POINTWISE_THREADS = 256 };

struct pointwise_job {
    global<float> out;
    global<const float> in;
    uint64_t count;
    float cap;
    bool has_in;
    enum hyper_activation activation;
};

static __device__ __forceinline__ uint64_t pointwise_index()
{
    return (uint64_t)blockIdx.x * POINTWISE_THREADS + threadIdx.x;
}

__global__ void __launch_bounds__(POINTWISE_THREADS) pointwise_activate(pointwise_job job)
{
    uint64_t i = pointwise_index();
    if (i >= job.count)
        return;
    float x = job.has_in ? job.in[i] : job.out[i];
    float y = job.activation == HYPER_SILU ? scalar_silu(x) : scalar_gelu(x);
    job.out[i] = job.has_in ? y * job.out[i] : y;
}

__global__ void __launch_bounds__(POINTWISE_THREADS) pointwise_add(pointwise_job job)
{
    uint64_t i = pointwise_index();
    if (i < job.count)
        job.out[i] = job.out[i] + job.in[i];
}

__global__ void __launch_bounds__(POINTWISE_THREADS) pointwise_cap(pointwise_job job)
{
    uint64_t i = pointwise_index();
    if (i < job.count)
        job.out[i] = scalar_cap(job.out[i], job.cap);
}
