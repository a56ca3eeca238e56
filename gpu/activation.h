/* activation.h - hidden states as bytes on a wire, a row after the other.
 *
 *     F32   the numbers. Bit by bit what the executor had
 *     F16   an exponent for the row, then binary16: 11 bits of the significand, of what is within
 *           2^29 of the row's greatest
 *     BF16  8 bits, and no exponent to keep
 *     I8    an exponent for the row, a binary16 scale for each 32 numbers, then 8 bits a number
 *
 * What is received is checked: a number that is not finite is refused, as no executor takes it.
 * All little-endian; a row takes a whole number of four bytes.
 *
 *   units    numbers in a row: width
 *   threads  pure
 */
#pragma once

#include "shared/base.h"

enum { ACTIVATION_WIDTH_MAX = 65536, ACTIVATION_GROUP = 32 };

enum activation {
    ACTIVATION_F32,
    ACTIVATION_F16,
    ACTIVATION_BF16,
    ACTIVATION_I8,
    ACTIVATION_TYPES
};

/* "f32", "f16", "bf16", "i8". */
const char *activation_name(enum activation type);
MUST_CHECK bool activation_find(enum activation *type, const char *name);

/* Of one row; width is at most ACTIVATION_WIDTH_MAX. */
size_t activation_bytes(enum activation type, uint32_t width);

/* A row. bytes: room for as many. */
void activation_write(char *bytes, enum activation type, const float *row, uint32_t width);

/* False for what no row can be: a number that is not finite. */
MUST_CHECK bool activation_read(float *row, enum activation type, const char *bytes,
                                uint32_t width);
