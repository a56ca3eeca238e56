#include "gpu/pack.h"

#include "gpu/tile.h"

enum { ROWS = PACK_ROWS, SMALL = PACK_COLUMNS, SUPER = 256, GROUPS = SUPER / SMALL };

/* Bytes of 8 rows of a group of 32 columns: scales of 16 bits, and what is told of elements. */
enum {
    SCALES = 2 * ROWS,
    NIBBLES = SMALL / 2 * ROWS,
    BYTES = SMALL * ROWS,
    PAIRS = SMALL / 4 * ROWS,
    Q4K_GROUP = SCALES + NIBBLES,
    Q6K_GROUP = SCALES + NIBBLES + PAIRS
};

/* Bytes of 8 rows of what dtype calls a block; plain types: of 32 columns. */
static uint32_t block_bytes(enum dtype type)
{
    if (type == DTYPE_Q8)
        return SCALES + BYTES;
    if (type == DTYPE_Q4)
        return SCALES + NIBBLES;
    if (type == DTYPE_Q4K)
        return 2 * SCALES + GROUPS * Q4K_GROUP;
    if (type == DTYPE_Q6K)
        return SCALES + GROUPS * Q6K_GROUP;
    return dtype_block(type).bytes * BYTES;
}

static uint32_t block_columns(enum dtype type)
{
    return type == DTYPE_Q4K || type == DTYPE_Q6K ? SUPER : SMALL;
}

uint64_t pack_bytes(enum dtype type, uint32_t columns)
{
    uint64_t blocks = ((uint64_t)columns + block_columns(type) - 1) / block_columns(type);
    return blocks * block_bytes(type);
}

/* Where column k of 32 comes in a row. */
static size_t place_of(size_t k)
{
    return k % 4 * 8 + k / 4;
}

/* A line of a tile (gpu/tile.h) has a byte for each of 16 rows. */
static unsigned line_byte(const char *tile, size_t line, size_t row)
{
    return (uint8_t)tile[line * TILE_ROWS + row];
}

static void copy_half(char *to, const char *tile, size_t line, size_t row)
{
    memcpy(to, tile + line * TILE_ROWS + row * 2, 2);
}

/* bits of 1, 2 or 4 places of a row's 32, the first lowest */
static void put_bits(char *row, size_t k, unsigned value, unsigned bits)
{
    size_t place = place_of(k);
    size_t at = place * bits / 8;
    row[at] = (char)((uint8_t)row[at] | value << place * bits % 8);
}

/* 32 columns whose nibbles lie in 16 lines */
static void put_nibbles(char *to, const char *tile, size_t line, size_t row)
{
    for (size_t k = 0; k < SMALL; k++)
        put_bits(to, k, line_byte(tile, line + k / 2, row) >> 4 * (k % 2) & 15U, 4);
}

static void pack_q8(char *to, const char *tile, size_t row, size_t tile_row)
{
    copy_half(to + row * 2, tile, 0, tile_row);
    for (size_t k = 0; k < SMALL; k++)
        to[SCALES + row * SMALL + place_of(k)] = (char)line_byte(tile, 2 + k, tile_row);
}

static void pack_q4(char *to, const char *tile, size_t row, size_t tile_row)
{
    copy_half(to + row * 2, tile, 0, tile_row);
    put_nibbles(to + SCALES + row * SMALL / 2, tile, 2, tile_row);
}

static void pack_q4k(char *to, const char *tile, size_t row, size_t tile_row)
{
    copy_half(to + row * 4, tile, 0, tile_row);
    copy_half(to + row * 4 + 2, tile, 2, tile_row);
    for (size_t group = 0; group < GROUPS; group++) {
        char *at = to + (size_t)2 * SCALES + group * Q4K_GROUP;
        size_t line = 4 + group * 18;
        at[row * 2] = (char)line_byte(tile, line, tile_row);
        at[row * 2 + 1] = (char)line_byte(tile, line + 1, tile_row);
        put_nibbles(at + SCALES + row * SMALL / 2, tile, line + 2, tile_row);
    }
}

static void pack_q6k(char *to, const char *tile, size_t row, size_t tile_row)
{
    copy_half(to + row * 2, tile, 0, tile_row);
    for (size_t k = 0; k < SUPER; k++) {
        char *at = to + SCALES + k / SMALL * Q6K_GROUP;
        size_t line = 2 + k / 16 * 13;
        if (k % 16 == 0)
            at[row * 2 + k % SMALL / 16] = (char)line_byte(tile, line, tile_row);
        line += 1 + k % 16 / 4 * 3;
        unsigned low = line_byte(tile, line + k % 4 / 2, tile_row) >> 4 * (k % 2) & 15U;
        unsigned high = line_byte(tile, line + 2, tile_row) >> 2 * (k % 4) & 3U;
        put_bits(at + SCALES + row * SMALL / 2, k % SMALL, low, 4);
        put_bits(at + SCALES + NIBBLES + row * SMALL / 4, k % SMALL, high, 2);
    }
}

static void pack_plain(char *pack, const char *tile, size_t bytes, uint32_t columns, size_t row,
                       size_t tile_row)
{
    for (size_t k = 0; k < columns; k++)
        memcpy(pack + (k / SMALL * BYTES + row * SMALL + place_of(k % SMALL)) * bytes,
               tile + (k * TILE_ROWS + tile_row) * bytes, bytes);
}

void pack_tile(char *packs, const char *tile, enum dtype type, uint32_t columns)
{
    static void (*const packers[])(char *, const char *, size_t, size_t) = {
        [DTYPE_Q8] = pack_q8, [DTYPE_Q4] = pack_q4, [DTYPE_Q4K] = pack_q4k, [DTYPE_Q6K] = pack_q6k};
    uint64_t bytes = pack_bytes(type, columns);
    memset(packs, 0, 2 * bytes);
    for (size_t tile_row = 0; tile_row < TILE_ROWS; tile_row++) {
        char *pack = packs + tile_row / ROWS * bytes;
        size_t row = tile_row % ROWS;
        if (packers[type] == NULL) {
            pack_plain(pack, tile, dtype_block(type).bytes, columns, row, tile_row);
            continue;
        }
        uint32_t block = dtype_block(type).elements;
        for (uint32_t i = 0; i < columns / block; i++)
            packers[type](pack + (size_t)i * block_bytes(type), tile + i * tile_bytes(type, block),
                          row, tile_row);
    }
}
