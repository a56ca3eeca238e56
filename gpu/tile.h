/* tile.h - rows of a matrix side by side, as registers want them: 16 at a time.
 *
 * A tile has the weights that 16 rows have for a column next to each other, so that each row's sum
 * stays in a lane of its own. Nothing of a row is rounded: what a tile says of a weight is what
 * gpu/row says, whose values it has in this order (r: 16 rows):
 *
 *     F32, F16, BF16  each column: r values
 *     Q8_0            32 columns: r d f16, each column: r int8
 *     Q4_0            32 columns: r d f16, each two columns: r bytes, the first's bits low
 *     Q4_K            256 columns: r d f16, r m f16; each 32: r s, r t; each two: r bytes
 *     Q6_K            256 columns: r d f16; each 16: r s; each four: r bytes of the low bits of
 *                     two, r of those of the next two, r of the high pairs of all four
 *
 *   ownership  borrowed
 *   threads    pure
 */
#pragma once

#include "gpu/digits.h"
#include "gpu/view.h"

enum { TILE_ROWS = 16 };

/* The bytes of a tile. */
uint64_t tile_bytes(enum dtype type, uint32_t columns);

/* The rows from row on; those past the last are 0. */
void tile_pack(char *tile, const struct view *view, uint32_t row);

struct tile_call {
    const char *tile;
    enum dtype type;
    uint32_t columns, count;
    const float *in;      /* (count, columns) */
    float *out;           /* (count, TILE_ROWS) */
    struct digits digits; /* of in, for tiles that gpu/digit_tile packed; otherwise none */
};

/* out[n][row] = the row's weights times in[n], summed by four (gpu/kernel.h). */
void tile_multiply(const struct tile_call *call);
