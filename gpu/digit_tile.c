#include "gpu/digit_tile.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/half.h"
#include "gpu/row.h"
#include "gpu/tensor.h"

enum { ROWS = TILE_ROWS, SMALL = DIGITS_BLOCK };

/* Where the four bytes of a row begin, after the scales: group after group, row after row. */
static size_t four_at(size_t group, uint32_t row)
{
    return 2 * (size_t)ROWS + (group * ROWS + row) * 4;
}

static void pack_q8(char *tile, uint32_t row, const uint8_t *block)
{
    for (size_t i = 0; i < SMALL; i++)
        tile[four_at(i / 4, row) + i % 4] = (char)block[i];
}

/* Element i of a stored block: the first half has the low bits of 16 bytes. */
static unsigned nibble(const uint8_t *block, size_t i)
{
    return i < SMALL / 2 ? block[i] & 15U : block[i - SMALL / 2] >> 4U;
}

static void pack_q4(char *tile, uint32_t row, const uint8_t *block)
{
    for (size_t i = 0; i < SMALL / 2; i++) {
        size_t k = i / 4 * 8 + i % 4;
        tile[four_at(i / 4, row) + i % 4] = (char)(nibble(block, k) | nibble(block, k + 4) << 4U);
    }
}

static size_t tile_block(enum dtype type)
{
    return (size_t)dtype_block(type).bytes * ROWS;
}

static void pack_row(char *tile, enum dtype type, uint32_t lane, const uint8_t *blocks,
                     uint32_t columns)
{
    for (uint32_t i = 0; i < columns / SMALL; i++) {
        memcpy(tile + (size_t)lane * 2, blocks, 2);
        if (type == DTYPE_Q8)
            pack_q8(tile, lane, blocks + 2);
        else
            pack_q4(tile, lane, blocks + 2);
        tile += tile_block(type);
        blocks += dtype_block(type).bytes;
    }
}

bool digit_tile_suits(enum dtype stored, uint32_t columns)
{
    bool is_plain = dtype_block(stored).elements == 1;
    return (is_plain || stored == DTYPE_Q8 || stored == DTYPE_Q4) && columns % SMALL == 0;
}

bool digit_tile_pack(char *tile, enum dtype type, const struct view *view, uint32_t row,
                     struct err *err)
{
    float *numbers = calloc(view->columns, sizeof *numbers);
    uint8_t *blocks = calloc(view->columns / SMALL, dtype_block(type).bytes);
    bool ok = true;
    if (numbers == NULL || blocks == NULL)
        abort();
    memset(tile, 0, tile_bytes(type, view->columns));
    for (uint32_t lane = 0; ok && lane < ROWS && row + lane < view->rows; lane++) {
        if (type == view->tensor->type) {
            pack_row(tile, type, lane, view_row(view, row + lane), view->columns);
            continue;
        }
        view_read_row(view, numbers, row + lane);
        ok = row_write(blocks, type, numbers, view->columns, err);
        if (ok)
            pack_row(tile, type, lane, blocks, view->columns);
    }
    free(numbers);
    free(blocks);
    return ok;
}

/* The small integer of a block's column. */
static int integer_at(const char *block, enum dtype type, uint32_t lane, size_t k)
{
    if (type == DTYPE_Q8)
        return (int8_t)block[four_at(k / 4, lane) + k % 4];
    unsigned pair = (uint8_t)block[four_at(k / 8, lane) + k % 4];
    return (int)(pair >> k % 8 / 4 * 4 & 15U) - 8;
}

static float scale_of(const char *block, uint32_t lane)
{
    uint16_t half;
    memcpy(&half, block + (size_t)lane * 2, sizeof half);
    return half_to_float(half);
}

static float multiply_row(const struct tile_call *call, uint32_t lane, uint32_t n)
{
    uint32_t blocks = call->columns / SMALL;
    const int8_t *in = call->digits.at + (size_t)n * call->columns;
    const float *scales = call->digits.scales + (size_t)n * blocks;
    const char *block = call->tile;
    float sum = 0;
    for (uint32_t i = 0; i < blocks; i++, in += SMALL, block += tile_block(call->type)) {
        int products = 0;
        for (size_t k = 0; k < SMALL; k++)
            products += integer_at(block, call->type, lane, k) * in[k];
        sum = fmaf((float)products, scale_of(block, lane) * scales[i], sum);
    }
    return sum;
}

void digit_tile_multiply(const struct tile_call *call)
{
    for (uint32_t lane = 0; lane < ROWS; lane++)
        for (uint32_t n = 0; n < call->count; n++)
            call->out[(size_t)n * ROWS + lane] = multiply_row(call, lane, n);
}
