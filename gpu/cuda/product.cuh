/* product.cuh - rows of weights times inputs, summed by four: a thread a sum.
 *
 * Few inputs: memory is what takes the time. A block has 32 rows, each of its warps a pack of
 * eight, read as it lies; the inputs come near by parts. Many: 64 rows times 64 inputs a block,
 * eight by eight of one sum a thread, 32 columns at a time, the next under way meanwhile. Past the
 * last column weights are 0 and inputs -0, whose product leaves any sum as it is.
 *
 * The order of each sum is that of gpu/kernel.h in both, so that how many rows a step has is
 * nothing to any of them.
 */
#pragma once

#include "gpu/cuda/weights.cuh"

struct product_job {
    global<const char> weights;
    global<const float> bias, in;
    global<float> out;
    uint64_t pack_bytes;
    uint32_t rows, columns, count;
    bool has_bias;
};

enum {
    PRODUCT_COLUMNS = PACK_COLUMNS,
    PRODUCT_FEW_MAX = 8,
    FEW_THREADS = 128,
    FEW_ROWS = FEW_THREADS / 4,
    FEW_NEAR = 4096, /* numbers of inputs */
    MANY_THREADS = 256,
    MANY_SIDE = 64,
    MANY_LINE = MANY_SIDE + 4 /* so that what is read together lies in different banks */
};

/* The four sums of a row, in every thread of the four. */
static __device__ __forceinline__ float product_total(float sum)
{
    sum += __shfl_xor_sync(EVERY_LANE, sum, 1);
    sum += __shfl_xor_sync(EVERY_LANE, sum, 2);
    return sum;
}

/* Inputs from column first on, each block's numbers in the order of a pack's rows. */
template <uint32_t INPUTS>
static __device__ void few_bring(shared<float> near, const product_job &job, uint32_t first,
                                 uint32_t count)
{
    UNROLL
    for (uint32_t n = 0; n < INPUTS; n++) {
        for (uint32_t k = threadIdx.x; k < count; k += FEW_THREADS) {
            bool is_one = n < job.count && first + k < job.columns;
            near[n * (FEW_NEAR / INPUTS) + k - k % 32 + k % 4 * 8 + k % 32 / 4] =
                is_one ? job.in[(size_t)n * job.columns + first + k] : -0.0F;
        }
    }
}

static __device__ __forceinline__ void product_read(float *eight, shared<const float> low,
                                                    shared<const float> high)
{
    float4 first = read_vector<float4>(low);
    float4 second = read_vector<float4>(high);
    eight[0] = first.x, eight[1] = first.y, eight[2] = first.z, eight[3] = first.w;
    eight[4] = second.x, eight[5] = second.y, eight[6] = second.z, eight[7] = second.w;
}

/* Eight columns of a sum, for each input. */
template <dtype type, uint32_t INPUTS>
static __device__ __forceinline__ void few_add(float *sums, const weights<type> &eight,
                                               shared<const float> near)
{
    UNROLL
    for (uint32_t n = 0; n < INPUTS; n++) {
        float numbers[8];
        shared<const float> from = near + n * (FEW_NEAR / INPUTS);
        product_read(numbers, from, from + 4);
        UNROLL
        for (uint32_t i = 0; i < 8; i++)
            sums[n] = fmaf(eight.at(i), numbers[i], sums[n]);
    }
}

/* AHEAD: eights that are read before the first is multiplied */
template <dtype type, uint32_t INPUTS, uint32_t AHEAD>
__global__ void __launch_bounds__(FEW_THREADS) product_few(product_job job)
{
    constexpr uint32_t step = FEW_NEAR / INPUTS / PRODUCT_COLUMNS;
    SHARED(float, near, FEW_NEAR);
    uint32_t lane = threadIdx.x % 32;
    uint32_t pack = blockIdx.x * (FEW_ROWS / PACK_ROWS) + threadIdx.x / 32;
    uint32_t row = pack * PACK_ROWS + lane / 4;
    bool is_pack = pack * PACK_ROWS < job.rows;
    weights_place at = {job.weights + pack * job.pack_bytes, 0, lane / 4, lane % 4};
    uint32_t blocks = (job.columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
    float sums[INPUTS] = {};
    for (uint32_t first = 0; first < blocks; first += step) {
        uint32_t end = blocks - first < step ? blocks : first + step;
        __syncthreads();
        few_bring<INPUTS>(near, job, first * PRODUCT_COLUMNS, (end - first) * PRODUCT_COLUMNS);
        __syncthreads();
        for (at.block = first; is_pack && at.block < end; at.block += AHEAD) {
            weights<type> eights[AHEAD] = {};
            weights_place next = at;
            UNROLL
            for (uint32_t i = 0; i < AHEAD; i++, next.block++)
                if (next.block < end)
                    eights[i] = weights<type>::read(next);
            UNROLL
            for (uint32_t i = 0; i < AHEAD; i++) {
                uint32_t block = at.block + i;
                if (block < end)
                    few_add<type, INPUTS>(sums, eights[i],
                                          near + ((block - first) * 32 + at.sum * 8));
            }
        }
    }
    UNROLL
    for (uint32_t n = 0; n < INPUTS; n++) {
        float total = product_total(sums[n]);
        if (at.sum == 0 && row < job.rows && n < job.count)
            job.out[(size_t)n * job.rows + row] = total + (job.has_bias ? job.bias[row] : 0);
    }
}

/* What a thread brings of 32 columns: eight weights of a row, eight numbers of inputs. */
template <dtype type> struct many_part {
    weights<type> eight;
    float inputs[8];

    __device__ __forceinline__ void read(const product_job &job, uint32_t block)
    {
        uint32_t row = blockIdx.x * MANY_SIDE + threadIdx.x / 4;
        uint32_t first = blockIdx.y * MANY_SIDE + threadIdx.x / 32;
        uint32_t column = block * PRODUCT_COLUMNS + threadIdx.x % 32;
        if (row / PACK_ROWS * PACK_ROWS < job.rows)
            eight = weights<type>::read({job.weights + row / PACK_ROWS * job.pack_bytes, block,
                                         row % PACK_ROWS, threadIdx.x % 4});
        UNROLL
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t input = first + i * 8;
            bool is_one = input < job.count && column < job.columns;
            inputs[i] = is_one ? job.in[(size_t)input * job.columns + column] : -0.0F;
        }
    }
    __device__ __forceinline__ void put(const product_job &job, shared<float> rows,
                                        shared<float> numbers) const
    {
        bool is_row = (blockIdx.x * MANY_SIDE + threadIdx.x / 4) / PACK_ROWS * PACK_ROWS < job.rows;
        UNROLL
        for (uint32_t i = 0; i < 8; i++) {
            rows[(i * 4 + threadIdx.x % 4) * MANY_LINE + threadIdx.x / 4] =
                is_row ? eight.at(i) : 0;
            numbers[threadIdx.x % 32 * MANY_LINE + threadIdx.x / 32 + i * 8] = inputs[i];
        }
    }
};

/* Where in 64 a thread's number i of eight is. */
static __device__ __forceinline__ uint32_t many_row(uint32_t i)
{
    return threadIdx.x / 32 * 4 + i % 4 + i / 4 * 32;
}

static __device__ __forceinline__ uint32_t many_input(uint32_t i)
{
    uint32_t group = threadIdx.x / 4 % 8;
    return group % 2 * 16 + group / 2 * 4 + i % 4 + i / 4 * 32;
}

template <dtype type> __global__ void __launch_bounds__(MANY_THREADS) product_many(product_job job)
{
    SHARED(float, rows, PRODUCT_COLUMNS *MANY_LINE);
    SHARED(float, numbers, PRODUCT_COLUMNS *MANY_LINE);
    uint32_t sum = threadIdx.x % 4;
    uint32_t blocks = (job.columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
    float sums[8][8] = {};
    many_part<type> part = {};
    part.read(job, 0);
    for (uint32_t block = 0; block < blocks; block++) {
        __syncthreads();
        part.put(job, rows, numbers);
        __syncthreads();
        if (block + 1 < blocks)
            part.read(job, block + 1);
        UNROLL
        for (uint32_t k = 0; k < PRODUCT_COLUMNS; k += 4) {
            float a[8];
            float b[8];
            shared<const float> row = rows + ((k + sum) * MANY_LINE + many_row(0));
            shared<const float> number = numbers + ((k + sum) * MANY_LINE + many_input(0));
            product_read(a, row, row + 32);
            product_read(b, number, number + 32);
            UNROLL
            for (uint32_t i = 0; i < 8; i++)
                UNROLL
            for (uint32_t n = 0; n < 8; n++)
                sums[i][n] = fmaf(a[i], b[n], sums[i][n]);
        }
    }
    UNROLL
    for (uint32_t i = 0; i < 8; i++)
        UNROLL
    for (uint32_t n = 0; n < 8; n++) {
        float total = product_total(sums[i][n]);
        uint32_t row = blockIdx.x * MANY_SIDE + many_row(i);
        uint32_t input = blockIdx.y * MANY_SIDE + many_input(n);
        if (n % 4 == sum && row < job.rows && input < job.count)
            job.out[(size_t)input * job.rows + row] = total + (job.has_bias ? job.bias[row] : 0);
    }
}
