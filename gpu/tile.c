#include "gpu/tile.h"

#include <math.h>

#include "gpu/half.h"
#include "gpu/tensor.h"

enum { ROWS = TILE_ROWS, SMALL = 32, SUPER = 256 };

/* Bytes of a row's block: as stored, but that the scales of Q4_K take a byte each. */
static size_t block_bytes(enum dtype type)
{
    return type == DTYPE_Q4K ? 148 : dtype_block(type).bytes;
}

uint64_t tile_bytes(enum dtype type, uint32_t columns)
{
    return (uint64_t)columns / dtype_block(type).elements * block_bytes(type) * ROWS;
}

static uint8_t *byte_of(char *tile, size_t line, uint32_t row)
{
    return (uint8_t *)tile + line * ROWS + row;
}

/* Blocks of gpu/row as lines of ROWS bytes; a pair of lines holds 16-bit numbers. */
static void put_half(char *tile, size_t line, uint32_t row, const uint8_t *half)
{
    memcpy(tile + line * ROWS + (size_t)row * 2, half, 2);
}

static void pack_q8(char *tile, uint32_t row, const uint8_t *block)
{
    put_half(tile, 0, row, block);
    for (size_t i = 0; i < SMALL; i++)
        *byte_of(tile, 2 + i, row) = block[2 + i];
}

/* The nibble of element i of 32 whose first half has the low bits of 16 bytes. */
static unsigned nibble(const uint8_t *bytes, size_t i, size_t half)
{
    return i < half ? bytes[i] & 15U : bytes[i - half] >> 4U;
}

static void pack_q4(char *tile, uint32_t row, const uint8_t *block)
{
    put_half(tile, 0, row, block);
    for (size_t i = 0; i < SMALL; i += 2)
        *byte_of(tile, 2 + i / 2, row) =
            (uint8_t)(nibble(block + 2, i, SMALL / 2) | nibble(block + 2, i + 1, SMALL / 2) << 4U);
}

/* As gpu/row unpacks them. */
static void unpack_q4k(uint8_t *scale, uint8_t *minimum, const uint8_t *packed, size_t group)
{
    if (group < 4) {
        *scale = packed[group] & 63;
        *minimum = packed[group + 4] & 63;
    } else {
        *scale = (uint8_t)((packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4);
        *minimum = (uint8_t)(packed[group + 4] >> 4 | (packed[group] >> 6) << 4);
    }
}

static void pack_q4k(char *tile, uint32_t row, const uint8_t *block)
{
    put_half(tile, 0, row, block);
    put_half(tile, 2, row, block + 2);
    for (size_t group = 0; group < SUPER / SMALL; group++) {
        size_t line = 4 + group * 18;
        const uint8_t *bytes = block + 16 + group / 2 * SMALL;
        unsigned shift = group % 2 * 4;
        unpack_q4k(byte_of(tile, line, row), byte_of(tile, line + 1, row), block + 4, group);
        for (size_t i = 0; i < SMALL; i += 2)
            *byte_of(tile, line + 2 + i / 2, row) =
                (uint8_t)(((unsigned)bytes[i] >> shift & 15U) |
                          ((unsigned)bytes[i + 1] >> shift & 15U) << 4U);
    }
}

/* Element i of 256: 6 bits. */
static unsigned read_q6k(const uint8_t *block, size_t i)
{
    size_t part = i / 128;
    size_t quarter = i % 128 / 32;
    uint8_t low = block[part * 64 + quarter % 2 * 32 + i % 32];
    uint8_t high = block[128 + part * 32 + i % 32];
    return (quarter < 2 ? low & 15U : low >> 4U) | ((unsigned)high >> 2 * quarter & 3U) << 4U;
}

static void pack_q6k(char *tile, uint32_t row, const uint8_t *block)
{
    put_half(tile, 0, row, block + 208);
    for (size_t i = 0; i < SUPER; i += 4) {
        size_t line = 2 + i / 16 * 13 + 1 + i % 16 / 4 * 3;
        unsigned q[4];
        for (size_t j = 0; j < 4; j++)
            q[j] = read_q6k(block, i + j);
        if (i % 16 == 0)
            *byte_of(tile, line - 1, row) = block[192 + i / 16];
        *byte_of(tile, line, row) = (uint8_t)((q[0] & 15) | (q[1] & 15) << 4);
        *byte_of(tile, line + 1, row) = (uint8_t)((q[2] & 15) | (q[3] & 15) << 4);
        *byte_of(tile, line + 2, row) =
            (uint8_t)(q[0] >> 4 | q[1] >> 4 << 2 | q[2] >> 4 << 4 | q[3] >> 4 << 6);
    }
}

/* A value of a plain type at a time. */
static void pack_plain(char *tile, const struct view *view, uint32_t lane, uint32_t row)
{
    const struct tensor *tensor = view->tensor;
    size_t bytes = dtype_block(tensor->type).bytes;
    size_t step = view->is_transposed ? tensor->shape[1] * bytes : bytes;
    const char *at = view->is_transposed ? tensor->data.at + (view->first + (size_t)row) * bytes
                                         : view_row(view, row);
    char *to = tile + lane * bytes;
    for (uint32_t k = 0; k < view->columns; k++, to += ROWS * bytes, at += step)
        memcpy(to, at, bytes);
}

void tile_pack(char *tile, const struct view *view, uint32_t row)
{
    static void (*const packers[])(char *, uint32_t, const uint8_t *) = {
        [DTYPE_Q8] = pack_q8, [DTYPE_Q4] = pack_q4, [DTYPE_Q4K] = pack_q4k, [DTYPE_Q6K] = pack_q6k};
    enum dtype type = view->tensor->type;
    struct dtype_block block = dtype_block(type);
    memset(tile, 0, tile_bytes(type, view->columns));
    for (uint32_t lane = 0; lane < ROWS && row + lane < view->rows; lane++) {
        if (packers[type] == NULL) {
            pack_plain(tile, view, lane, row + lane);
            continue;
        }
        const uint8_t *at = view_row(view, row + lane);
        for (size_t i = 0; i < view->columns / block.elements; i++)
            packers[type](tile + i * block_bytes(type) * ROWS, lane, at + i * block.bytes);
    }
}

static float half_at(const char *tile, size_t line, uint32_t lane)
{
    uint16_t half;
    memcpy(&half, tile + line * ROWS + (size_t)lane * 2, sizeof half);
    return half_to_float(half);
}

static unsigned byte_at(const char *tile, size_t line, uint32_t lane)
{
    return (uint8_t)tile[line * ROWS + lane];
}

static unsigned nibble_at(const char *tile, size_t line, uint32_t lane, size_t k)
{
    return byte_at(tile, line + k / 2, lane) >> 4 * (k % 2) & 15U;
}

static float weight_q4k(const char *tile, uint32_t lane, size_t k)
{
    size_t line = 4 + k / SMALL * 18;
    float step = half_at(tile, 0, lane) * (float)byte_at(tile, line, lane);
    float offset = half_at(tile, 2, lane) * (float)byte_at(tile, line + 1, lane);
    return fmaf(step, (float)nibble_at(tile, line + 2, lane, k % SMALL), -offset);
}

static float weight_q6k(const char *tile, uint32_t lane, size_t k)
{
    size_t line = 2 + k / 16 * 13;
    float step = half_at(tile, 0, lane) * (float)(int8_t)byte_at(tile, line, lane);
    line += 1 + k % 16 / 4 * 3;
    unsigned high = byte_at(tile, line + 2, lane) >> 2 * (k % 4) & 3U;
    return step * (float)((int)(nibble_at(tile, line, lane, k % 4) | high << 4U) - 32);
}

/* What a tile says of a row's weight for column k. */
static float weight_at(const char *tile, enum dtype type, uint32_t lane, size_t k)
{
    struct dtype_block block = dtype_block(type);
    float value;
    uint16_t half;
    tile += k / block.elements * block_bytes(type) * ROWS;
    k %= block.elements;
    if (type == DTYPE_Q8)
        return half_at(tile, 0, lane) * (float)(int8_t)byte_at(tile, 2 + k, lane);
    if (type == DTYPE_Q4)
        return half_at(tile, 0, lane) * (float)((int)nibble_at(tile, 2, lane, k) - 8);
    if (type == DTYPE_Q4K)
        return weight_q4k(tile, lane, k);
    if (type == DTYPE_Q6K)
        return weight_q6k(tile, lane, k);
    if (type == DTYPE_F32) {
        memcpy(&value, tile + lane * sizeof value, sizeof value);
        return value;
    }
    memcpy(&half, tile + lane * sizeof half, sizeof half);
    return type == DTYPE_F16 ? half_to_float(half) : half_bf16_to_float(half);
}

void tile_multiply(const struct tile_call *call)
{
    for (uint32_t lane = 0; lane < ROWS; lane++)
        for (uint32_t n = 0; n < call->count; n++) {
            const float *in = call->in + (size_t)n * call->columns;
            float sums[4] = {0};
            for (uint32_t k = 0; k < call->columns; k++)
                sums[k % 4] = fmaf(weight_at(call->tile, call->type, lane, k), in[k], sums[k % 4]);
            call->out[(size_t)n * ROWS + lane] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        }
}
