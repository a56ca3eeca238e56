#include "gpu/card.h"

#include <cstdio>
#include <cstring>

#include "gpu/cuda/dialect.cuh"
#include "gpu/cuda/norm.cuh"
#include "gpu/cuda/place.cuh"
#include "gpu/cuda/product.cuh"

#ifdef EMULATOR
#define LAUNCH(grid, threads, kernel, job) \
    emulator::run(#kernel, grid, threads, [=] { kernel(job); })

static const char *open_card(card_facts *facts)
{
    *facts = {"an emulator", 1ULL << 30, 1ULL << 30, 1, 0};
    return nullptr;
}

static void *take(uint64_t bytes)
{
    return emulator::take(bytes);
}

static void give(void *memory)
{
    emulator::give(memory);
}

static void put(void *to, const void *from, uint64_t bytes)
{
    emulator::put(to, from, bytes);
}

static void get(void *to, const void *from, uint64_t bytes)
{
    emulator::get(to, from, bytes);
}

static const char *finish()
{
    return emulator::first_fault[0] == '\0' ? nullptr : emulator::first_fault;
}
#else
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

static const char *finish()
{
    note(cudaStreamSynchronize(stream));
    cudaError_t error = first_error;
    first_error = cudaSuccess;
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}
#endif

static void normalize(const card_norm *norm)
{
    norm_job job = {norm->out,   norm->in,      norm->gain,           norm->bias,
                    norm->width, norm->epsilon, norm->bias != nullptr};
    LAUNCH(norm->rows, NORM_THREADS, norm_rows, job);
}

static void place(const card_place *place)
{
    place_job job = {place->query,     place->key,    place->value, place->turns,
                     place->positions, place->pages,  place->slab,  place->page_bytes,
                     place->keys,      place->values, place->heads, place->kv_heads,
                     place->head_size, place->rotary};
    if (place->type == DTYPE_F32)
        LAUNCH(place->rows, PLACE_THREADS, place_rows<float>, job);
    else
        LAUNCH(place->rows, PLACE_THREADS, place_rows<uint16_t>, job);
}

template <dtype type, uint32_t INPUTS> static void multiply_few(const product_job &job)
{
    constexpr uint32_t ahead = type == DTYPE_F32 ? 4 : 8;
    LAUNCH((job.rows + FEW_ROWS - 1) / FEW_ROWS, FEW_THREADS,
           (product_few<type, INPUTS, (INPUTS < 4 ? ahead : 4)>), job);
}

template <dtype type> static void multiply_type(const product_job &job)
{
    dim3 many((job.rows + MANY_SIDE - 1) / MANY_SIDE, (job.count + MANY_SIDE - 1) / MANY_SIDE);
    if (job.count > PRODUCT_FEW_MAX)
        LAUNCH(many, MANY_THREADS, product_many<type>, job);
    else if (job.count > 4)
        multiply_few<type, 8>(job);
    else if (job.count > 2)
        multiply_few<type, 4>(job);
    else if (job.count > 1)
        multiply_few<type, 2>(job);
    else
        multiply_few<type, 1>(job);
}

static void multiply(const card_product *product)
{
    static void (*const of_type[])(const product_job &) = {
        multiply_type<DTYPE_F32>, multiply_type<DTYPE_F16>, multiply_type<DTYPE_BF16>,
        multiply_type<DTYPE_Q8>,  multiply_type<DTYPE_Q4>,  multiply_type<DTYPE_Q4K>,
        multiply_type<DTYPE_Q6K>};
    product_job job = {product->weights, product->bias,       product->in,
                       product->out,     product->pack_bytes, product->rows,
                       product->columns, product->count,      product->bias != nullptr};
    of_type[product->type](job);
}

extern "C" const struct card *card_cuda(void)
{
    static const card calls = {CARD_VERSION, open_card, take,      give,  put,
                               get,          finish,    normalize, place, multiply};
    return &calls;
}
