/* dtype.h - how the numbers of a tensor are stored.
 *
 * A row is stored as blocks of a fixed count of elements; plain types have blocks of one.
 *
 *   units    elements, bytes
 *   threads  pure
 *   spec     the quantised types are those of GGUF: Q8_0, Q4_0, Q4_K, Q6_K
 */
#pragma once

#include "shared/base.h"

/* type, name, elements in a block, bytes in a block */
#define DTYPES(X)                                                            \
    X(DTYPE_F32, "F32", 1, 4)                                                \
    X(DTYPE_F16, "F16", 1, 2)                                                \
    X(DTYPE_BF16, "BF16", 1, 2)                                              \
    X(DTYPE_Q8, "Q8_0", 32, 34)                                              \
    X(DTYPE_Q4, "Q4_0", 32, 18)                                              \
    X(DTYPE_Q4K, "Q4_K", 256, 144)                                           \
    X(DTYPE_Q6K, "Q6_K", 256, 210)                                           \
    X(DTYPE_I8, "I8", 1, 1) /* from here on: carried, never computed with */ \
    X(DTYPE_I16, "I16", 1, 2)                                                \
    X(DTYPE_I32, "I32", 1, 4)                                                \
    X(DTYPE_I64, "I64", 1, 8)                                                \
    X(DTYPE_F64, "F64", 1, 8)

#define DTYPE_ENUM(type, name, elements, bytes) type,
enum dtype { DTYPES(DTYPE_ENUM) };
#undef DTYPE_ENUM

struct dtype_block {
    uint32_t elements, bytes;
};

struct dtype_block dtype_block(enum dtype type);
const char *dtype_name(enum dtype type);

/* True for those that row_read reads. */
static inline bool dtype_is_weight(enum dtype type)
{
    return type <= DTYPE_Q6K;
}

/* Bytes of count elements. False unless these are whole blocks, and fewer than 2^63 bytes. */
MUST_CHECK bool dtype_bytes(uint64_t *bytes, enum dtype type, uint64_t count);

/* What plain numbers become as they are read, where a row is whole blocks; these, and what is
 * stored as Q8_0 or Q4_0, are then multiplied as integers. */
enum dtype_made { DTYPE_AS_STORED, DTYPE_AS_Q8, DTYPE_AS_Q4 };
