/* pack.h - rows of a matrix as a card reads them: 8 at a time, four threads a row.
 *
 * gpu/kernel.h sums a row by four; a thread of a card takes one of the four sums, so what it
 * multiplies lies together: of 32 columns its eight, k = 4i + j for i from 0 to 7, and the 32
 * threads' eights one after the other. Nothing of a row is rounded. In bytes, for 8 rows:
 *
 *     F32, F16, BF16  32 columns: row, j, i: value
 *     Q8_0            32 columns: row: d f16; row, j, i: int8
 *     Q4_0            32 columns: row: d f16; row, j, i: 4 bits, the lower first
 *     Q4_K            256 columns: row: d f16, m f16; each 32: row: s, t; row, j, i: 4 bits
 *     Q6_K            256 columns: row: d f16; each 32: row: two s; row, j, i: the low 4 bits;
 *                     row, j, i: the high 2 bits
 *
 * Plain types are filled with zeros to whole 32 columns, a matrix to whole 8 rows.
 *
 *   ownership  borrowed
 *   threads    pure
 */
#pragma once

#include "gpu/dtype.h"

enum { PACK_ROWS = 8, PACK_COLUMNS = 32 };

struct view;

/* Of 8 rows; a multiple of 16. */
uint64_t pack_bytes(enum dtype type, uint32_t columns);

/* The two packs that a tile's rows (gpu/tile) make. */
void pack_tile(char *packs, const char *tile, enum dtype type, uint32_t columns);
