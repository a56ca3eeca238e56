/* digits.cuh - inputs as small integers (gpu/digits.h), and rows of small integers times those.
 *
 * A warp makes the digits of a block of 32, a thread a number. A row has four threads, each with
 * eight of a block's 32 products; the four sums are exact, whatever their order, and so is the
 * whole, until it is added to the row's sum, block after block (gpu/digit_tile.h).
 */
#pragma once

#include "gpu/cuda/product.cuh"

enum {
    DIGITS_COLUMNS = PACK_COLUMNS,
    DIGITS_THREADS = 256,
    DIGITS_WARPS = DIGITS_THREADS / 32,
    DIGITS_WORDS = DIGITS_COLUMNS / 4, /* of a block */
    DIGITS_NEAR = 256                  /* blocks of inputs */
};

struct digits_job {
    global<uint32_t> at; /* four digits each */
    global<float> scales;
    global<const float> in;
    uint64_t blocks; /* of all rows */
};

__global__ void __launch_bounds__(DIGITS_THREADS) digits_write(digits_job job)
{
    uint64_t block = (uint64_t)blockIdx.x * DIGITS_WARPS + threadIdx.x / 32;
    uint32_t lane = threadIdx.x % 32;
    bool is_block = block < job.blocks;
    float number = is_block ? job.in[block * DIGITS_COLUMNS + lane] : 0;
    uint32_t most = scalar_bits(number) & 0x7fffffffU;
    UNROLL
    for (uint32_t bits = 16; bits > 0; bits /= 2) {
        uint32_t other = __shfl_xor_sync(EVERY_LANE, most, bits);
        most = other > most ? other : most;
    }
    float scale = scalar_digit_scale(most);
    uint32_t digit = scale > 0 ? (uint32_t)(int)rintf(number / scale) & 0xffU : 0;
    uint32_t word = 0; /* number w of a pack's row: columns 4i + w / 2, i from w % 2 * 4 on */
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t column = (lane % 2 * 4 + i) * 4 + lane / 2;
        word |= __shfl_sync(EVERY_LANE, digit, column % 32) << i * 8;
    }
    if (is_block && lane < DIGITS_WORDS)
        job.at[block * DIGITS_WORDS + lane] = word;
    if (is_block && lane == 0)
        job.scales[block] = scale;
}

struct digits_product_job {
    global<const char> weights;
    global<const float> bias;
    global<const uint32_t> digits;
    global<const float> scales;
    global<float> out;
    uint64_t pack_bytes;
    uint32_t rows, columns, count;
    bool has_bias;
};

/* Blocks from first on, of INPUTS inputs from input on. */
template <uint32_t INPUTS>
static __device__ void digits_bring(shared<uint32_t> near, shared<float> scales,
                                    const digits_product_job &job, uint32_t input, uint32_t first,
                                    uint32_t count)
{
    size_t blocks = job.columns / DIGITS_COLUMNS;
    UNROLL
    for (uint32_t n = 0; n < INPUTS; n++) {
        bool is_one = input + n < job.count;
        size_t from = (input + n) * blocks + first;
        uint32_t to = n * (DIGITS_NEAR / INPUTS);
        for (uint32_t k = threadIdx.x; k < count * DIGITS_WORDS; k += FEW_THREADS)
            near[to * DIGITS_WORDS + k] = is_one ? job.digits[from * DIGITS_WORDS + k] : 0;
        for (uint32_t k = threadIdx.x; k < count; k += FEW_THREADS)
            scales[to + k] = is_one ? job.scales[from + k] : 0;
    }
}

template <dtype type, uint32_t INPUTS>
__global__ void __launch_bounds__(FEW_THREADS) digits_product(digits_product_job job)
{
    constexpr uint32_t step = DIGITS_NEAR / INPUTS;
    SHARED(uint32_t, near, DIGITS_NEAR * DIGITS_WORDS);
    SHARED(float, scales, DIGITS_NEAR);
    uint32_t lane = threadIdx.x % 32;
    uint32_t pack = blockIdx.x * (FEW_ROWS / PACK_ROWS) + threadIdx.x / 32;
    uint32_t row = pack * PACK_ROWS + lane / 4;
    uint32_t input = blockIdx.y * INPUTS;
    bool is_pack = pack * PACK_ROWS < job.rows;
    weights_place at = {job.weights + pack * job.pack_bytes, 0, lane / 4, lane % 4};
    uint32_t blocks = job.columns / DIGITS_COLUMNS;
    float sums[INPUTS] = {};
    for (uint32_t first = 0; first < blocks; first += step) {
        uint32_t end = blocks - first < step ? blocks : first + step;
        __syncthreads();
        digits_bring<INPUTS>(near, scales, job, input, first, end - first);
        __syncthreads();
        for (at.block = first; is_pack && at.block < end; at.block++) {
            weights<type> eight = weights<type>::read(at);
            UNROLL
            for (uint32_t n = 0; n < INPUTS; n++) {
                uint32_t block = n * step + (at.block - first);
                int sum = eight.times(read_vector<uint2>(near + (block * 8 + at.sum * 2)));
                sum += __shfl_xor_sync(EVERY_LANE, sum, 1);
                sum += __shfl_xor_sync(EVERY_LANE, sum, 2);
                sums[n] = fmaf((float)sum, weights_half(eight.scale) * scales[block], sums[n]);
            }
        }
    }
    UNROLL
    for (uint32_t n = 0; n < INPUTS; n++)
        if (at.sum == 0 && row < job.rows && input + n < job.count)
            job.out[(size_t)(input + n) * job.rows + row] =
                sums[n] + (job.has_bias ? job.bias[row] : 0);
}
