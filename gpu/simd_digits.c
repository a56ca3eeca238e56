/* Sums of products of small integers are exact, in whatever order; what follows is in the order of
 * gpu/digit_tile. Compiled for each width. */
#include "gpu/simd_digits.h"

#include "gpu/lanes.h"

/* Inputs whose products and sums are in registers together. */
enum { TOGETHER = LANES / 2 };

INLINE ints four_digits(const int8_t *at)
{
    int32_t four;
    memcpy(&four, at, sizeof four);
    return ints_all(four);
}

INLINE ints add_products(ints sum, ints bytes, enum dtype type, const int8_t *digits)
{
    if (type == DTYPE_Q8)
        return ints_dot_signed(sum, bytes, four_digits(digits));
    sum = ints_dot(sum, ints_and(bytes, 0x0f0f0f0f), four_digits(digits));
    return ints_dot(sum, ints_and(ints_right(bytes, 4), 0x0f0f0f0f), four_digits(digits + 4));
}

/* The products of a block with the digits of count inputs. */
INLINE void run_block(ints *products, const char *block, enum dtype type, const int8_t *in,
                      uint32_t columns, int count)
{
    for (size_t i = 0; i < DIGITS_BLOCK; i += type == DTYPE_Q8 ? 4 : 8) {
        ints bytes = ints_load(block + i * TILE_ROWS / (type == DTYPE_Q8 ? 1 : 2));
        for (int n = 0; n < count; n++)
            products[n] = add_products(products[n], bytes, type, in + (size_t)n * columns + i);
    }
}

/* count inputs from first on, times all rows of the tile. */
INLINE void multiply(const struct tile_call *call, uint32_t first, enum dtype type, int count)
{
    uint32_t blocks = call->columns / DIGITS_BLOCK;
    const int8_t *in = call->digits.at + (size_t)first * call->columns;
    const float *scales = call->digits.scales + (size_t)first * blocks;
    const int32_t *totals = call->digits.sums + (size_t)first * blocks;
    size_t bytes = type == DTYPE_Q8 ? 544 : 288;
    int less = type == DTYPE_Q8 ? DOT_LESS : 8;
    for (uint32_t lane = 0; lane < TILE_ROWS; lane += LANES) {
        const char *tile = call->tile;
        lanes sums[TOGETHER];
        ints products[TOGETHER];
        for (int n = 0; n < count; n++)
            sums[n] = lanes_all(0);
        for (uint32_t i = 0; i < blocks; i++, tile += bytes) {
            lanes d = lanes_f16(tile + (size_t)lane * 2);
            for (int n = 0; n < count; n++)
                products[n] = ints_all(-less * totals[(size_t)n * blocks + i]);
            run_block(products, tile + 32 + (size_t)lane * 4, type, in + (size_t)i * DIGITS_BLOCK,
                      call->columns, count);
            for (int n = 0; n < count; n++)
                sums[n] =
                    lanes_fma(lanes_of(products[n]),
                              lanes_mul(d, lanes_all(scales[(size_t)n * blocks + i])), sums[n]);
        }
        for (int n = 0; n < count; n++)
            lanes_store(call->out + (size_t)(first + (uint32_t)n) * TILE_ROWS + lane, sums[n]);
    }
}

/* In parts of as many inputs as registers have room for, of two, and of one. */
INLINE void multiply_all(const struct tile_call *call, enum dtype type)
{
    uint32_t first = 0;
    for (; call->count - first >= TOGETHER; first += TOGETHER)
        multiply(call, first, type, TOGETHER);
    for (; call->count - first >= 2; first += 2)
        multiply(call, first, type, 2);
    if (first < call->count)
        multiply(call, first, type, 1);
}

void simd_multiply_digits(const struct tile_call *call)
{
    if (call->type == DTYPE_Q8)
        multiply_all(call, DTYPE_Q8);
    else
        multiply_all(call, DTYPE_Q4);
}

void simd_write_digits(const struct digits *digits, const float *in, uint32_t columns)
{
    for (uint32_t block = 0; block < columns / DIGITS_BLOCK; block++) {
        const float *from = in + (size_t)block * DIGITS_BLOCK;
        int8_t *to = digits->at + (size_t)block * DIGITS_BLOCK;
        uint32_t magnitudes[LANES];
        int32_t numbers[DIGITS_BLOCK] = {0};
        uint32_t bits = 0;
        int32_t sum = 0;
        ints most = ints_all(0);
        for (uint32_t i = 0; i < DIGITS_BLOCK; i += LANES)
            most = ints_max(most, ints_and(ints_bits(lanes_load(from + i)), 0x7fffffff));
        ints_store(magnitudes, most);
        for (uint32_t i = 0; i < LANES; i++)
            bits = magnitudes[i] > bits ? magnitudes[i] : bits;
        float scale = digits_scale(bits);
        for (uint32_t i = 0; i < DIGITS_BLOCK && scale > 0; i += LANES)
            ints_store(numbers + i,
                       ints_nearest(lanes_div(lanes_load(from + i), lanes_all(scale))));
        for (uint32_t i = 0; i < DIGITS_BLOCK; i++) {
            to[i] = (int8_t)numbers[i];
            sum += numbers[i];
        }
        digits->scales[block] = scale;
        digits->sums[block] = sum;
    }
}
