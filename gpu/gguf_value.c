#include "gpu/gguf.h"

#include <assert.h>
#include <endian.h>
#include <math.h>

static const uint8_t sizes[] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8};

/* An integer of any type: its magnitude, and whether it is negative. */
static bool load_integer(enum gguf_type type, const char *at, uint64_t *magnitude, bool *negative)
{
    uint64_t bits = 0;
    size_t size = sizes[type];
    assert(size > 0);
    for (size_t i = size; i-- > 0;)
        bits = bits << 8 | (unsigned char)at[i];
    bool is_signed = type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
    *negative = is_signed && (bits >> (8 * size - 1) & 1) != 0;
    if (*negative)
        bits = size == 8 ? 0 - bits : ((uint64_t)1 << 8 * size) - bits;
    *magnitude = bits;
    return is_signed || type == GGUF_U8 || type == GGUF_U16 || type == GGUF_U32 || type == GGUF_U64;
}

bool gguf_integer(const struct gguf_value *value, uint64_t *out, uint64_t max)
{
    uint64_t magnitude;
    bool negative;
    if (value == NULL || value->is_array || value->type == GGUF_STRING ||
        !load_integer(value->type, value->bytes.at, &magnitude, &negative) || negative ||
        magnitude > max)
        return false;
    *out = magnitude;
    return true;
}

double gguf_item(const struct gguf_value *value, uint64_t index)
{
    const char *at = value->bytes.at + index * sizes[value->type];
    uint64_t magnitude;
    bool negative;
    if (value->type == GGUF_F32) {
        float number;
        memcpy(&number, at, sizeof number);
        return (double)number;
    }
    if (value->type == GGUF_F64) {
        double number;
        memcpy(&number, at, sizeof number);
        return number;
    }
    (void)load_integer(value->type, at, &magnitude, &negative);
    return negative ? -(double)magnitude : (double)magnitude;
}

bool gguf_number(const struct gguf_value *value, double *out)
{
    if (value == NULL || value->is_array || value->type == GGUF_STRING || value->type == GGUF_BOOL)
        return false;
    double number = gguf_item(value, 0);
    if (!isfinite(number))
        return false;
    *out = number;
    return true;
}

bool gguf_bool(const struct gguf_value *value, bool *out)
{
    if (value == NULL || value->is_array || value->type != GGUF_BOOL)
        return false;
    *out = value->bytes.at[0] != 0;
    return true;
}

struct span gguf_take(struct span *rest)
{
    uint64_t len;
    memcpy(&len, rest->at, sizeof len);
    len = le64toh(len);
    struct span text = {rest->at + sizeof len, (size_t)len};
    *rest = (struct span){text.at + len, rest->len - sizeof len - (size_t)len};
    return text;
}

bool gguf_text(const struct gguf_value *value, struct span *out)
{
    if (value == NULL || value->is_array || value->type != GGUF_STRING)
        return false;
    struct span rest = value->bytes;
    *out = gguf_take(&rest);
    return true;
}
