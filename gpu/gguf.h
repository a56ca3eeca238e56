/* gguf.h - a GGUF file: keys with values, and tensors, some of them quantised.
 *
 * All of it is checked when it is parsed, so what is asked later cannot run out of bytes: a value
 * is absent or of another type, nothing else. Of arrays, those of scalars and of strings are
 * known; arrays of arrays are refused, as no writer makes them.
 *
 *   shapes     turned round: GGUF tells the innermost dimension first, struct tensor last
 *   ownership  lists live in the arena; keys, texts and data point into the file
 *   threads    immutable once parsed
 *   errors     ERR_INVALID with the offset in the file; ERR_UNSUPPORTED another version, an
 *              unknown type of tensor, a model in several files
 *   spec       https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3
 */
#pragma once

#include "gpu/tensor.h"

struct arena;

enum { GGUF_VALUES_MAX = 1 << 16, GGUF_KEY_BYTES_MAX = 65535 };

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

struct gguf_value {
    struct span key;
    enum gguf_type type; /* of an array: of its items */
    bool is_array;
    uint64_t count;    /* items; 1 unless an array */
    struct span bytes; /* the items, one after the other */
};

struct gguf {
    uint32_t version;
    uint32_t value_count;
    struct gguf_value *values;
    struct tensor_list tensors;
};

/* True when the file begins as a GGUF file does. */
bool gguf_is(struct span file);

MUST_CHECK bool gguf_parse(struct gguf *gguf, struct arena *arena, struct span file,
                           struct err *err);

/* NULL when there is none. */
const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key);

/* Each is false, and out untouched, when the value is NULL or not of that kind. */
bool gguf_integer(const struct gguf_value *value, uint64_t *out, uint64_t max);
bool gguf_number(const struct gguf_value *value, double *out); /* finite */
bool gguf_bool(const struct gguf_value *value, bool *out);
bool gguf_text(const struct gguf_value *value, struct span *out);

/* An array of strings: takes the next one off the front of rest, which begins as value->bytes. */
struct span gguf_take(struct span *rest);

/* An array of numbers: one of them, whatever its type. */
double gguf_item(const struct gguf_value *value, uint64_t index);
