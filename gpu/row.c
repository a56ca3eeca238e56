#include "gpu/row.h"

#include <assert.h>
#include <math.h>

#include "gpu/half.h"
#include "shared/err.h"

enum { SMALL = 32, SUPER = 256 }; /* elements of a block */

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void store16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void read_q8(float *out, const uint8_t *block)
{
    float d = half_to_float(load16(block));
    for (size_t i = 0; i < SMALL; i++)
        out[i] = d * (float)(int8_t)block[2 + i];
}

static void read_q4(float *out, const uint8_t *block)
{
    float d = half_to_float(load16(block));
    for (size_t i = 0; i < SMALL / 2; i++) {
        out[i] = d * (float)((block[2 + i] & 15) - 8);
        out[i + SMALL / 2] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

/* The scale and the minimum of the group-th 32 elements: 4 groups lie whole in six bits of a byte,
 * the other 4 in a nibble and the two bits that those leave. */
static void unpack_q4k(int *scale, int *minimum, const uint8_t *packed, size_t group)
{
    if (group < 4) {
        *scale = packed[group] & 63;
        *minimum = packed[group + 4] & 63;
    } else {
        *scale = (packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4;
        *minimum = packed[group + 4] >> 4 | (packed[group] >> 6) << 4;
    }
}

static void read_q4k(float *out, const uint8_t *block)
{
    float d = half_to_float(load16(block));
    float m = half_to_float(load16(block + 2));
    const uint8_t *nibbles = block + 16;
    for (size_t group = 0; group < SUPER / 32; group++) {
        int scale;
        int minimum;
        unpack_q4k(&scale, &minimum, block + 4, group);
        float step = d * (float)scale;
        float offset = m * (float)minimum;
        for (size_t i = 0; i < 32; i++) {
            uint8_t pair = nibbles[group / 2 * 32 + i];
            out[group * 32 + i] = step * (float)(group % 2 == 0 ? pair & 15 : pair >> 4) - offset;
        }
    }
}

static void read_q6k(float *out, const uint8_t *block)
{
    const uint8_t *scales = block + 192;
    float d = half_to_float(load16(block + 208));
    for (size_t i = 0; i < SUPER; i++) {
        size_t part = i / 128; /* 128 elements: 64 bytes of low nibbles, 32 of high pairs */
        size_t quarter = i % 128 / 32;
        uint8_t low = block[part * 64 + quarter % 2 * 32 + i % 32];
        uint8_t high = block[128 + part * 32 + i % 32];
        int q = (quarter < 2 ? low & 15 : low >> 4) | (high >> 2 * quarter & 3) << 4;
        out[i] = d * (float)(int8_t)scales[i / 16] * (float)(q - 32);
    }
}

static void read_plain(float *out, enum dtype type, const uint8_t *bytes, size_t count)
{
    if (type == DTYPE_F32) {
        memcpy(out, bytes, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = load16(bytes + 2 * i);
        out[i] = type == DTYPE_F16 ? half_to_float(bits) : half_bf16_to_float(bits);
    }
}

void row_read(float *out, enum dtype type, const void *bytes, size_t count)
{
    static void (*const readers[])(float *, const uint8_t *) = {
        [DTYPE_Q8] = read_q8, [DTYPE_Q4] = read_q4, [DTYPE_Q4K] = read_q4k, [DTYPE_Q6K] = read_q6k};
    struct dtype_block block = dtype_block(type);
    const uint8_t *at = bytes;
    assert(dtype_is_weight(type) && count % block.elements == 0);
    if (readers[type] == NULL) {
        read_plain(out, type, at, count);
        return;
    }
    for (size_t i = 0; i < count; i += block.elements, at += block.bytes)
        readers[type](out + i, at);
}

/* The element of the greatest magnitude. */
static float extreme(const float *row)
{
    float found = 0;
    for (size_t i = 0; i < SMALL; i++)
        if (fabsf(row[i]) > fabsf(found))
            found = row[i];
    return found;
}

static int nearest(float value, int min, int max)
{
    if (value <= (float)min)
        return min;
    return value >= (float)max ? max : (int)lrintf(value);
}

static void write_q8(uint8_t *block, const float *row)
{
    uint16_t d = half_from_float(fabsf(extreme(row)) / 127);
    float step = half_to_float(d);
    store16(block, d);
    for (size_t i = 0; i < SMALL; i++)
        block[2 + i] = (uint8_t)(step == 0 ? 0 : nearest(row[i] / step, -127, 127));
}

static void write_q4(uint8_t *block, const float *row)
{
    uint16_t d = half_from_float(extreme(row) / -8);
    float step = half_to_float(d);
    int q[SMALL];
    store16(block, d);
    for (size_t i = 0; i < SMALL; i++)
        q[i] = step == 0 ? 8 : nearest(row[i] / step, -8, 7) + 8;
    for (size_t i = 0; i < SMALL / 2; i++)
        block[2 + i] = (uint8_t)(q[i] | q[i + SMALL / 2] << 4);
}

/* The largest magnitude that type holds, less what could still round past it. */
static float largest(enum dtype type)
{
    if (type == DTYPE_F16)
        return 65504;
    if (type == DTYPE_Q8)
        return 65504.0F * 127;
    return type == DTYPE_Q4 ? 65504.0F * 8 : 0x1.fep127F;
}

bool row_write(void *bytes, enum dtype type, const float *row, size_t count, struct err *err)
{
    struct dtype_block block = dtype_block(type);
    uint8_t *at = bytes;
    assert(type <= DTYPE_Q4 && count % block.elements == 0);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(row[i]))
            return err_set(err, ERR_INVALID, "element %zu is no finite number", i);
        if (type != DTYPE_F32 && fabsf(row[i]) > largest(type))
            return err_set(err, ERR_INVALID, "element %zu is too large for %s", i,
                           dtype_name(type));
    }
    if (type == DTYPE_F32)
        memcpy(bytes, row, count * sizeof *row);
    for (size_t i = 0; type != DTYPE_F32 && i < count; i += block.elements, at += block.bytes) {
        if (type == DTYPE_Q8)
            write_q8(at, row + i);
        else if (type == DTYPE_Q4)
            write_q4(at, row + i);
        else
            store16(at, type == DTYPE_F16 ? half_from_float(row[i]) : half_bf16_from_float(row[i]));
    }
    return true;
}
