#include "tests/mutants.h"

#include "gpu/cuda/dialect.cuh"

/* 64 threads bring a part of a row near, each warp adds up all of it, its threads by shuffles. */
enum { THREADS = 64, ROUND = 128 };

template <mutant is> static void bring(shared<float> near, global<const float> in, uint32_t count)
{
    uint32_t last = is == MUTANT_NO_GUARD ? (uint32_t)ROUND : count;
    for (uint32_t i = threadIdx.x; i < last; i += THREADS)
        if (is != MUTANT_NOT_FILLED || i != 5)
            near[i] = in[is == MUTANT_BEFORE ? (int)i - 1 : (int)i];
    if (is != MUTANT_SHARED_PAST)
        return;
    near[ROUND + threadIdx.x] = 0;
}

template <mutant is> static float add_lanes(float sum)
{
    unsigned mask = is == MUTANT_HALF_MASK ? 0xffff : EVERY_LANE;
    for (uint32_t bits = 16; bits > 0; bits /= 2) {
        if (is == MUTANT_LANE_PAST)
            sum += __shfl_sync(mask, sum, 32);
        else if (is == MUTANT_SHUFFLE_APART && threadIdx.x == 40)
            sum += sum;
        else
            sum += __shfl_xor_sync(mask, sum, is == MUTANT_WRONG_LANE && bits == 4 ? 8 : bits);
    }
    return sum;
}

template <mutant is> static void tell(global<float> out, float sum)
{
    if (is == MUTANT_ATOMIC)
        sum = atomicAdd(out, sum);
    if (is == MUTANT_TWO_BLOCKS)
        out[0] = sum;
    else if (threadIdx.x == 0)
        out[blockIdx.x] = sum;
    if (is == MUTANT_BLOCK_READS && blockIdx.x > 0 && threadIdx.x == 0)
        out[blockIdx.x] = out[blockIdx.x - 1];
}

template <mutant is> __global__ void add_rows(global<float> out, global<const float> in)
{
    SHARED(float, near, ROUND);
    global<const float> row = in + blockIdx.x * MUTANT_WIDTH;
    float sum = 0;
    if (is == MUTANT_BARRIER_APART && threadIdx.x >= 50)
        return;
    if (is == MUTANT_TOO_SHARED) {
        SHARED(float, more, 1 << 14);
        more[threadIdx.x] = 0;
    }
    if (is == MUTANT_MISALIGNED)
        sum = read_vector<float4>(row + 1).x;
    for (uint32_t first = 0; first < MUTANT_WIDTH; first += ROUND) {
        uint32_t count = MUTANT_WIDTH - first < ROUND ? MUTANT_WIDTH - first : (uint32_t)ROUND;
        if (is != MUTANT_NO_SECOND_BARRIER)
            __syncthreads();
        bring<is>(near, row + first, count);
        if (is == MUTANT_BARRIERS_MIXED && threadIdx.x < 32)
            __syncthreads();
        else if (is != MUTANT_NO_BARRIER || first == 0)
            __syncthreads();
        for (uint32_t i = threadIdx.x % 32; i < count; i += 32)
            sum += near[i];
    }
    tell<is>(out, add_lanes<is>(sum));
}

/* Memory that is given back, or not filled, or not there at all, as the mutant wants. */
template <mutant is> static const char *run(float *sums)
{
    float numbers[MUTANT_ROWS * MUTANT_WIDTH];
    for (int i = 0; i < MUTANT_ROWS * MUTANT_WIDTH; i++)
        numbers[i] = (float)(i + 1);
    emulator::first_fault[0] = '\0';
    float *in = static_cast<float *>(emulator::take(sizeof numbers));
    float *out = static_cast<float *>(emulator::take(MUTANT_ROWS * sizeof *out));
    emulator::put(in, numbers, is == MUTANT_NOT_PUT ? sizeof numbers / 2 : sizeof numbers);
    const float *from = is == MUTANT_NO_POINTER ? nullptr : in;
    if (is == MUTANT_FREED)
        emulator::give(in);
    emulator::run("add_rows", MUTANT_ROWS, is == MUTANT_TOO_MANY ? 2048 : THREADS,
                  [=] { add_rows<is>(out, from); });
    emulator::get(sums, out, MUTANT_ROWS * sizeof *out);
    if (is != MUTANT_FREED)
        emulator::give(in);
    emulator::give(out);
    return emulator::first_fault;
}

const char *mutant_run(mutant mutant, float *sums)
{
#define MUTANT_RUN(mutant, fault) run<mutant>,
    static const char *(*const runs[])(float *) = {MUTANTS(MUTANT_RUN)};
#undef MUTANT_RUN
    return runs[mutant](sums);
}
