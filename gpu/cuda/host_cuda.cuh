/* host_cuda.cuh - the first CUDA card of this machine: memory, the queue of launches, recordings.
 *
 * There is one stream. The first error is kept until it is asked for.
 */
#pragma once

#include <cstdio>

#include "gpu/card.h"

#define LAUNCH(grid, threads, kernel, job)           \
    do {                                             \
        auto launched = kernel;                      \
        launched<<<grid, threads, 0, stream>>>(job); \
        note(cudaGetLastError());                    \
    } while (0)

static cudaStream_t stream;
static cudaError_t first_error; /* since the last finish */

static void note(cudaError_t error)
{
    if (first_error == cudaSuccess)
        first_error = error;
}

static const char *open_card(card_facts *facts)
{
    int count = 0;
    cudaDeviceProp property;
    size_t bytes_free = 0;
    size_t bytes = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count == 0)
        return "there is no card";
    if (error == cudaSuccess)
        error = cudaGetDeviceProperties(&property, 0);
    if (error == cudaSuccess)
        error = cudaMemGetInfo(&bytes_free, &bytes);
    if (error == cudaSuccess && stream == nullptr)
        error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (error != cudaSuccess)
        return cudaGetErrorString(error);
    *facts = {};
    snprintf(facts->name, sizeof facts->name, "%.63s", property.name);
    facts->bytes = bytes;
    facts->bytes_free = bytes_free;
    facts->processors = (uint32_t)property.multiProcessorCount;
    facts->generation = (uint32_t)(property.major * 10 + property.minor);
    return nullptr;
}

static void *take(uint64_t bytes)
{
    void *memory = nullptr;
    if (cudaMalloc(&memory, bytes) == cudaSuccess)
        return memory;
    (void)cudaGetLastError();
    return nullptr;
}

static void give(void *memory)
{
    note(cudaFree(memory));
}

static void put(void *to, const void *from, uint64_t bytes)
{
    note(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
}

static void get(void *to, const void *from, uint64_t bytes)
{
    note(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
}

static void copy(void *to, const void *from, uint64_t bytes)
{
    note(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
}

static void record()
{
    note(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
}

static void *recorded()
{
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t made = nullptr;
    if (cudaStreamEndCapture(stream, &graph) != cudaSuccess ||
        cudaGraphInstantiate(&made, graph, 0) != cudaSuccess)
        made = nullptr;
    if (graph != nullptr)
        note(cudaGraphDestroy(graph));
    (void)cudaGetLastError();
    return made;
}

static void replay(void *recording)
{
    note(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recording), stream));
}

static void forget(void *recording)
{
    if (recording != nullptr)
        note(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recording)));
}

static const char *finish()
{
    note(cudaStreamSynchronize(stream));
    cudaError_t error = first_error;
    first_error = cudaSuccess;
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}
