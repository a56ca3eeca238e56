#include "gpu/card.h"

#include "gpu/cuda/attend.cuh"
#include "gpu/cuda/dialect.cuh"
#include "gpu/cuda/digits.cuh"
#include "gpu/cuda/norm.cuh"
#include "gpu/cuda/place.cuh"
#include "gpu/cuda/pointwise.cuh"
#include "gpu/cuda/product.cuh"

#ifdef EMULATOR
#include "gpu/cuda/host_emulated.cuh"
#else
#include "gpu/cuda/host_cuda.cuh"
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

static void attend(const card_attention *attention)
{
    attend_job job = {attention->out,        attention->query,    attention->slab,
                      attention->positions,  attention->pages,    attention->page_firsts,
                      attention->page_bytes, attention->keys,     attention->values,
                      attention->heads,      attention->kv_heads, attention->head_size,
                      attention->window,     attention->scale,    attention->cap};
    dim3 grid(attention->heads, attention->rows);
    if (attention->type == DTYPE_F32)
        LAUNCH(grid, ATTEND_THREADS, attend_rows<float>, job);
    else
        LAUNCH(grid, ATTEND_THREADS, attend_rows<uint16_t>, job);
}

static unsigned pointwise_blocks(uint64_t count)
{
    return (unsigned)((count + POINTWISE_THREADS - 1) / POINTWISE_THREADS);
}

static void activate(float *out, const float *gate, uint64_t count, enum hyper_activation act)
{
    pointwise_job job = {out, gate, count, 0, gate != nullptr, act};
    LAUNCH(pointwise_blocks(count), POINTWISE_THREADS, pointwise_activate, job);
}

static void add(float *out, const float *in, uint64_t count)
{
    pointwise_job job = {out, in, count, 0, true, HYPER_SILU};
    LAUNCH(pointwise_blocks(count), POINTWISE_THREADS, pointwise_add, job);
}

static void cap(float *x, uint64_t count, float cap)
{
    pointwise_job job = {x, nullptr, count, cap, false, HYPER_SILU};
    LAUNCH(pointwise_blocks(count), POINTWISE_THREADS, pointwise_cap, job);
}

template <dtype type, uint32_t INPUTS> static void multiply_few(const product_job &job)
{
    constexpr uint32_t most = type == DTYPE_F32 || INPUTS > 1 ? 4 : 8; /* by the registers */
    constexpr uint32_t ahead = INPUTS < 8 ? most : 2;
    LAUNCH((job.rows + FEW_ROWS - 1) / FEW_ROWS, FEW_THREADS, (product_few<type, INPUTS, ahead>),
           job);
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

static void digits(const card_digits *digits)
{
    uint64_t blocks = (uint64_t)digits->rows * (digits->columns / DIGITS_COLUMNS);
    digits_job job = {digits->at, digits->scales, digits->in, blocks};
    LAUNCH((unsigned)((blocks + DIGITS_WARPS - 1) / DIGITS_WARPS), DIGITS_THREADS, digits_write,
           job);
}

template <dtype type, uint32_t INPUTS> static void multiply_some(const digits_product_job &job)
{
    dim3 grid((job.rows + FEW_ROWS - 1) / FEW_ROWS, (job.count + INPUTS - 1) / INPUTS);
    LAUNCH(grid, FEW_THREADS, (digits_product<type, INPUTS>), job);
}

template <dtype type> static void multiply_digits(const digits_product_job &job)
{
    if (job.count > 4)
        multiply_some<type, 8>(job);
    else if (job.count > 2)
        multiply_some<type, 4>(job);
    else if (job.count > 1)
        multiply_some<type, 2>(job);
    else
        multiply_some<type, 1>(job);
}

static void multiply(const card_product *product)
{
    digits_product_job of_digits = {product->weights,        product->bias,    product->digits,
                                    product->scales,         product->out,     product->pack_bytes,
                                    product->rows,           product->columns, product->count,
                                    product->bias != nullptr};
    if (product->digits != nullptr && product->type == DTYPE_Q8)
        return multiply_digits<DTYPE_Q8>(of_digits);
    if (product->digits != nullptr)
        return multiply_digits<DTYPE_Q4>(of_digits);
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
    static const card calls = {
        CARD_VERSION, open_card, take,     give,     put, get, copy,   finish,   normalize, place,
        attend,       digits,    multiply, activate, add, cap, record, recorded, replay,    forget};
    return &calls;
}
