/* digit_tile.h - tiles of small integers, to be multiplied by the digits of inputs.
 *
 * As gpu/tile has 16 rows side by side, but with four columns of a row together, as registers
 * multiply and add four bytes at once (r: 16 rows):
 *
 *     Q8_0  32 columns: r d f16, each four columns: r times four int8
 *     Q4_0  32 columns: r d f16, each eight columns: r times four bytes, with the bits of the first
 *           four columns low
 *
 * A product is exact within a block, so that all registers have the same: block after block, the
 * sum of its products times the product of both scales is added, rounded once.
 *
 *   ownership  borrowed
 *   threads    pure
 *   errors     ERR_INVALID a number that the type cannot hold
 */
#pragma once

#include "gpu/tile.h"

struct err;

/* Whether weights of that stored type can be such; columns: of a row. */
bool digit_tile_suits(enum dtype stored, uint32_t columns);

/* The rows from row on as type, Q8 or Q4: as they are stored, or as gpu/row writes what is stored
 * as plain numbers. As many bytes as tile_bytes says. */
MUST_CHECK bool digit_tile_pack(char *tile, enum dtype type, const struct view *view, uint32_t row,
                                struct err *err);

/* call->digits: of the inputs; call->in is not read. */
void digit_tile_multiply(const struct tile_call *call);
