/* Every lane does what gpu/kernel and gpu/tile say, in their order. Compiled for each width. */
#include <math.h>

#include "gpu/lanes.h"
#include "gpu/simd.h"
#include "gpu/simd_digits.h"

enum { PARTS = EXEC_PAGE / LANES };

/* The sums of a part of a tile's rows, for some inputs, by four. */
struct sums {
    lanes at[4][TOKENS];
};

/* What a type's function multiplies: count inputs, columns apart, by a part of a tile. */
struct part {
    const char *tile; /* of the part: its first row's place in a line of bytes */
    const float *in;
    uint32_t columns;
};

INLINE void add(struct sums *sums, int four, lanes weight, const struct part *part, uint32_t k,
                int count)
{
    for (int n = 0; n < count; n++)
        sums->at[four][n] = lanes_fma(weight, lanes_all(part->in[(size_t)n * part->columns + k]),
                                      sums->at[four][n]);
}

INLINE lanes plain_at(const char *tile, enum dtype type, size_t k)
{
    if (type == DTYPE_F32)
        return lanes_load((const float *)(const void *)(tile + k * 64));
    return type == DTYPE_F16 ? lanes_f16(tile + k * 32) : lanes_bf16(tile + k * 32);
}

INLINE void run_plain(struct sums *sums, const struct part *part, enum dtype type, uint32_t lane,
                      int count)
{
    const char *tile = part->tile + (size_t)lane * (type == DTYPE_F32 ? 4 : 2);
    uint32_t k = 0;
    for (; k + 4 <= part->columns; k += 4)
        for (uint32_t four = 0; four < 4; four++)
            add(sums, (int)four, plain_at(tile, type, k + four), part, k + four, count);
    for (uint32_t four = 0; four < 3; four++)
        if (k + four < part->columns)
            add(sums, (int)four, plain_at(tile, type, k + four), part, k + four, count);
}

INLINE void run_q8(struct sums *sums, const struct part *part, uint32_t lane, int count)
{
    const char *tile = part->tile;
    for (uint32_t k = 0; k < part->columns; k += 32, tile += 544) {
        lanes d = lanes_f16(tile + (size_t)lane * 2);
        for (uint32_t i = 0; i < 32; i += 4)
            for (uint32_t four = 0; four < 4; four++) {
                ints q = ints_i8(tile + 32 + (size_t)(i + four) * 16 + lane);
                add(sums, (int)four, lanes_mul(d, lanes_of(q)), part, k + i + four, count);
            }
    }
}

INLINE ints nibble_of(ints pair, uint32_t which)
{
    return which == 0 ? ints_and(pair, 15) : ints_right(pair, 4);
}

INLINE void run_q4(struct sums *sums, const struct part *part, uint32_t lane, int count)
{
    const char *tile = part->tile;
    for (uint32_t k = 0; k < part->columns; k += 32, tile += 288) {
        lanes d = lanes_f16(tile + (size_t)lane * 2);
        for (uint32_t i = 0; i < 32; i += 4)
            for (uint32_t four = 0; four < 4; four++) {
                ints pair = ints_u8(tile + 32 + (size_t)((i + four) / 2) * 16 + lane);
                ints q = ints_add(nibble_of(pair, four % 2), -8);
                add(sums, (int)four, lanes_mul(d, lanes_of(q)), part, k + i + four, count);
            }
    }
}

INLINE void run_q4k(struct sums *sums, const struct part *part, uint32_t lane, int count)
{
    const char *tile = part->tile;
    for (uint32_t k = 0; k < part->columns; k += 256, tile += 2368)
        for (uint32_t group = 0; group < 8; group++) {
            const char *at = tile + 64 + (size_t)group * 288 + lane;
            lanes step = lanes_mul(lanes_f16(tile + (size_t)lane * 2), lanes_of(ints_u8(at)));
            lanes offset =
                lanes_mul(lanes_f16(tile + 32 + (size_t)lane * 2), lanes_of(ints_u8(at + 16)));
            for (uint32_t i = 0; i < 32; i += 4)
                for (uint32_t four = 0; four < 4; four++) {
                    ints pair = ints_u8(at + 32 + (size_t)((i + four) / 2) * 16);
                    lanes q = lanes_of(nibble_of(pair, four % 2));
                    add(sums, (int)four, lanes_fma_less(step, q, offset), part,
                        k + group * 32 + i + four, count);
                }
        }
}

INLINE void run_q6k(struct sums *sums, const struct part *part, uint32_t lane, int count)
{
    const char *tile = part->tile;
    for (uint32_t k = 0; k < part->columns; k += 256, tile += 3360)
        for (uint32_t group = 0; group < 16; group++) {
            const char *at = tile + 32 + (size_t)group * 208 + lane;
            lanes step = lanes_mul(lanes_f16(tile + (size_t)lane * 2), lanes_of(ints_i8(at)));
            for (uint32_t i = 0; i < 4; i++)
                for (uint32_t four = 0; four < 4; four++) {
                    const char *line = at + 16 + (size_t)i * 48;
                    ints low = nibble_of(ints_u8(line + (size_t)(four / 2) * 16), four % 2);
                    ints high = ints_and(ints_right(ints_u8(line + 32), 2 * four), 3);
                    ints q = ints_add(ints_or(low, ints_left(high, 4)), -32);
                    add(sums, (int)four, lanes_mul(step, lanes_of(q)), part,
                        k + group * 16 + i * 4 + four, count);
                }
        }
}

/* count inputs from first on, times all rows of the tile. */
INLINE void multiply(const struct tile_call *call, uint32_t first, int count)
{
    struct part part = {call->tile, call->in + (size_t)first * call->columns, call->columns};
    for (uint32_t lane = 0; lane < TILE_ROWS; lane += LANES) {
        struct sums sums;
        for (int four = 0; four < 4; four++)
            for (int n = 0; n < count; n++)
                sums.at[four][n] = lanes_all(0);
        if (call->type == DTYPE_F32)
            run_plain(&sums, &part, DTYPE_F32, lane, count);
        else if (call->type == DTYPE_F16)
            run_plain(&sums, &part, DTYPE_F16, lane, count);
        else if (call->type == DTYPE_BF16)
            run_plain(&sums, &part, DTYPE_BF16, lane, count);
        else if (call->type == DTYPE_Q8)
            run_q8(&sums, &part, lane, count);
        else if (call->type == DTYPE_Q4)
            run_q4(&sums, &part, lane, count);
        else if (call->type == DTYPE_Q4K)
            run_q4k(&sums, &part, lane, count);
        else
            run_q6k(&sums, &part, lane, count);
        for (int n = 0; n < count; n++)
            lanes_store(call->out + (size_t)(first + (uint32_t)n) * TILE_ROWS + lane,
                        lanes_add(lanes_add(sums.at[0][n], sums.at[1][n]),
                                  lanes_add(sums.at[2][n], sums.at[3][n])));
    }
}

static void multiply_one(const struct tile_call *call, uint32_t first)
{
    multiply(call, first, 1);
}

static void multiply_two(const struct tile_call *call, uint32_t first)
{
    multiply(call, first, 2);
}

static void multiply_some(const struct tile_call *call, uint32_t first)
{
    multiply(call, first, SOME);
}

static void multiply_many(const struct tile_call *call, uint32_t first)
{
    multiply(call, first, TOKENS);
}

/* In as few parts as will do, and none much smaller than the others. */
static void multiply_tile(const struct tile_call *call)
{
    uint32_t first = 0;
    while (first < call->count) {
        uint32_t left = call->count - first;
        if (left >= (uint32_t)2 * TOKENS || left == TOKENS) {
            multiply_many(call, first);
            first += TOKENS;
        } else if (left >= SOME) {
            multiply_some(call, first);
            first += SOME;
        } else if (left >= 2) {
            multiply_two(call, first);
            first += 2;
        } else {
            multiply_one(call, first);
            first++;
        }
    }
}

static uint32_t read_all(const char *at, size_t bytes)
{
    ints sums[4] = {ints_load(at), ints_load(at), ints_load(at), ints_load(at)};
    uint32_t words[LANES];
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i += sizeof sums)
        for (size_t j = 0; j < 4; j++)
            sums[j] = ints_xor(sums[j], ints_load(at + i + j * sizeof *sums));
    ints_store(words, ints_xor(ints_xor(sums[0], sums[1]), ints_xor(sums[2], sums[3])));
    for (size_t i = 0; i < LANES; i++)
        sum ^= words[i];
    return sum;
}

/* kernel_exp */
INLINE lanes exponential(lanes x)
{
    lanes power = lanes_round(lanes_mul(x, lanes_all(0x1.715476p0F)));
    lanes rest = lanes_fma(power, lanes_all(-0x1.62e4p-1F), x);
    rest = lanes_fma(power, lanes_all(-0x1.7f7d1cp-20F), rest);
    lanes sum = lanes_all(1.0F / 5040);
    sum = lanes_fma(sum, rest, lanes_all(1.0F / 720));
    sum = lanes_fma(sum, rest, lanes_all(1.0F / 120));
    sum = lanes_fma(sum, rest, lanes_all(1.0F / 24));
    sum = lanes_fma(sum, rest, lanes_all(1.0F / 6));
    sum = lanes_fma(sum, rest, lanes_all(0.5F));
    sum = lanes_fma(sum, rest, lanes_all(1));
    sum = lanes_fma(sum, rest, lanes_all(1));
    sum = lanes_mul(sum, lanes_power_of_two(power));
    sum = lanes_if_below(x, lanes_all(-87), lanes_all(0), sum);
    return lanes_if_below(lanes_all(88), x, lanes_all(INFINITY), sum);
}

INLINE lanes activated(lanes x, enum hyper_activation act)
{
    lanes cube = lanes_mul(lanes_mul(x, x), x);
    lanes inner = lanes_fma(lanes_all(0.044715F), cube, x);
    lanes power =
        act == HYPER_SILU ? lanes_negative(x) : lanes_mul(lanes_all(-0x1.988454p0F), inner);
    return lanes_div(x, lanes_add(lanes_all(1), exponential(power)));
}

static void activate(float *out, const float *gate, uint32_t count, enum hyper_activation act)
{
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lanes x = lanes_load(gate == NULL ? out + i : gate + i);
        lanes y = activated(x, act);
        lanes_store(out + i, gate == NULL ? y : lanes_mul(y, lanes_load(out + i)));
    }
    kernel_activate(out + i, gate == NULL ? NULL : gate + i, count - i, act);
}

INLINE lanes capped(lanes value, lanes cap)
{
    lanes x = lanes_div(value, cap);
    lanes square = lanes_mul(x, x);
    lanes sum = lanes_all(62.0F / 2835);
    sum = lanes_fma(sum, square, lanes_all(-17.0F / 315));
    sum = lanes_fma(sum, square, lanes_all(2.0F / 15));
    sum = lanes_fma(sum, square, lanes_all(-1.0F / 3));
    sum = lanes_fma(lanes_mul(sum, square), x, x);
    lanes power = exponential(lanes_mul(lanes_all(-2), lanes_positive(x)));
    lanes large = lanes_div(lanes_sub(lanes_all(1), power), lanes_add(lanes_all(1), power));
    return lanes_mul(cap, lanes_if_below(square, lanes_all(0.0625F), sum, lanes_sign(large, x)));
}

static void cap_all(float *x, uint32_t count, float cap)
{
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES)
        lanes_store(x + i, capped(lanes_load(x + i), lanes_all(cap)));
    kernel_cap(x + i, count - i, cap);
}

INLINE lanes kept_at(const char *at, enum dtype type, size_t index)
{
    if (type == DTYPE_F32)
        return lanes_load((const float *)(const void *)at + index);
    return lanes_bf16(at + 2 * index);
}

INLINE void score_page(float *scores, const struct kernel_attention *attention, const char *keys,
                       enum dtype type)
{
    for (uint32_t part = 0; part < EXEC_PAGE; part += LANES) {
        lanes sums[4] = {lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0)};
        uint32_t i = 0;
        for (; i + 4 <= attention->head_size; i += 4)
            for (uint32_t four = 0; four < 4; four++)
                sums[four] = lanes_fma(lanes_all(attention->query[i + four]),
                                       kept_at(keys, type, (size_t)(i + four) * EXEC_PAGE + part),
                                       sums[four]);
        for (uint32_t four = 0; i + four < attention->head_size; four++)
            sums[four] =
                lanes_fma(lanes_all(attention->query[i + four]),
                          kept_at(keys, type, (size_t)(i + four) * EXEC_PAGE + part), sums[four]);
        lanes score = lanes_mul(lanes_add(lanes_add(sums[0], sums[1]), lanes_add(sums[2], sums[3])),
                                lanes_all(attention->scale));
        if (attention->cap != 0)
            score = capped(score, lanes_all(attention->cap));
        lanes_store(scores + part, score);
    }
}

static float weigh(float *scores, uint32_t before, uint32_t count)
{
    float most = -INFINITY;
    lanes sums[PARTS];
    float folded[EXEC_PAGE];
    uint32_t whole = (count + EXEC_PAGE - 1) / EXEC_PAGE * EXEC_PAGE;
    for (uint32_t i = before; i < count; i++)
        most = scores[i] > most ? scores[i] : most;
    for (uint32_t i = 0; i < whole; i += LANES)
        lanes_store(scores + i, exponential(lanes_sub(lanes_load(scores + i), lanes_all(most))));
    memset(scores, 0, before * sizeof *scores);
    memset(scores + count, 0, (whole - count) * sizeof *scores);
    for (uint32_t part = 0; part < PARTS; part++) {
        sums[part] = lanes_all(0);
        for (uint32_t i = part * LANES; i < whole; i += EXEC_PAGE)
            sums[part] = lanes_add(sums[part], lanes_load(scores + i));
        lanes_store(folded + (size_t)part * LANES, sums[part]);
    }
    for (uint32_t half = EXEC_PAGE / 2; half > 0; half /= 2)
        for (uint32_t i = 0; i < half; i++)
            folded[i] += folded[i + half];
    return folded[0];
}

/* The sum of the values from column on, of width registers, by weight. */
INLINE void blend(float *out, const float *weights, const struct kernel_attention *attention,
                  uint32_t column, int width)
{
    lanes sums[4];
    enum dtype type = attention->type;
    uint32_t begin = attention->first / EXEC_PAGE * EXEC_PAGE;
    for (int j = 0; j < width; j++)
        sums[j] = lanes_all(0);
    for (uint32_t at = attention->first; at < attention->end; at++) {
        const char *values = attention->slab +
                             attention->pages[at / EXEC_PAGE] * attention->page_bytes +
                             attention->values;
        size_t row = (size_t)(at % EXEC_PAGE) * attention->head_size + column;
        for (int j = 0; j < width; j++)
            sums[j] = lanes_fma(lanes_all(weights[at - begin]),
                                kept_at(values, type, row + (size_t)j * LANES), sums[j]);
    }
    for (int j = 0; j < width; j++)
        lanes_store(out + column + (size_t)j * LANES, sums[j]);
}

static void attend(float *out, float *scores, const struct kernel_attention *attention)
{
    uint32_t size = attention->head_size;
    uint32_t begin = attention->first / EXEC_PAGE * EXEC_PAGE;
    uint32_t column = 0;
    if (size % LANES != 0) {
        kernel_attend(out, scores, attention);
        return;
    }
    for (uint32_t at = begin; at < attention->end; at += EXEC_PAGE) {
        const char *keys = attention->slab +
                           attention->pages[at / EXEC_PAGE] * attention->page_bytes +
                           attention->keys;
        if (attention->type == DTYPE_F32)
            score_page(scores + (at - begin), attention, keys, DTYPE_F32);
        else
            score_page(scores + (at - begin), attention, keys, DTYPE_BF16);
    }
    float sum = weigh(scores, attention->first - begin, attention->end - begin);
    for (; column + 4 * LANES <= size; column += 4 * LANES)
        blend(out, scores, attention, column, 4);
    for (; column < size; column += LANES)
        blend(out, scores, attention, column, 1);
    for (uint32_t i = 0; i < size; i += LANES)
        lanes_store(out + i, lanes_div(lanes_load(out + i), lanes_all(sum)));
}

#ifdef __AVX512F__
const struct simd simd_avx512 = {"avx512",          multiply_tile, simd_multiply_digits,
                                 simd_write_digits, attend,        activate,
                                 cap_all,           read_all};
#else
const struct simd simd_avx2 = {
    "avx2",  multiply_tile, simd_multiply_digits, simd_write_digits, attend, activate,
    cap_all, read_all};
#endif
