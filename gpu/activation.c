#include "gpu/activation.h"

#include <endian.h>
#include <math.h>

#include "gpu/half.h"

enum { EXPONENT_BYTES = 4, EXPONENT_MAX = 256, HALF_TOP = 15, QUANTUM_MAX = 127 };

static const char *const names[ACTIVATION_TYPES] = {"f32", "f16", "bf16", "i8"};

const char *activation_name(enum activation type)
{
    return names[type];
}

bool activation_find(enum activation *type, const char *name)
{
    for (enum activation i = ACTIVATION_F32; i < ACTIVATION_TYPES; i++)
        if (strcmp(names[i], name) == 0) {
            *type = i;
            return true;
        }
    return false;
}

static uint32_t groups(uint32_t width)
{
    return (width + ACTIVATION_GROUP - 1) / ACTIVATION_GROUP;
}

static size_t padded(size_t bytes)
{
    return (bytes + 3) & ~(size_t)3;
}

size_t activation_bytes(enum activation type, uint32_t width)
{
    switch (type) {
    case ACTIVATION_F32:
        return (size_t)width * 4;
    case ACTIVATION_F16:
        return EXPONENT_BYTES + padded((size_t)width * 2);
    case ACTIVATION_BF16:
        return padded((size_t)width * 2);
    case ACTIVATION_I8:
        return EXPONENT_BYTES + padded((size_t)groups(width) * 2 + width);
    case ACTIVATION_TYPES:
        break;
    }
    return 0;
}

static void put_half(char *at, uint16_t half)
{
    uint16_t little = htole16(half);
    memcpy(at, &little, sizeof little);
}

static uint16_t get_half(const char *at)
{
    uint16_t little;
    memcpy(&little, at, sizeof little);
    return le16toh(little);
}

static void put_word(char *at, uint32_t word)
{
    uint32_t little = htole32(word);
    memcpy(at, &little, sizeof little);
}

static uint32_t get_word(const char *at)
{
    uint32_t little;
    memcpy(&little, at, sizeof little);
    return le32toh(little);
}

static float greatest(const float *row, uint32_t count)
{
    float most = 0;
    for (uint32_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(row[i]));
    return most;
}

/* By which power of two a row is divided so that its greatest is just in a binary16's range. */
static int exponent_of(const float *row, uint32_t width)
{
    int exponent = 0;
    float most = greatest(row, width);
    if (most > 0 && isfinite(most))
        frexpf(most, &exponent);
    return most > 0 && isfinite(most) ? exponent - HALF_TOP : 0;
}

static void write_i8(char *bytes, const float *row, uint32_t width)
{
    int exponent = exponent_of(row, width);
    char *scales = bytes + EXPONENT_BYTES;
    char *at = scales + (size_t)groups(width) * 2;
    put_word(bytes, (uint32_t)exponent);
    for (uint32_t begin = 0; begin < width; begin += ACTIVATION_GROUP) {
        uint32_t count = width - begin < ACTIVATION_GROUP ? width - begin : ACTIVATION_GROUP;
        float most = ldexpf(greatest(row + begin, count), -exponent);
        uint16_t half = half_from_float(most / QUANTUM_MAX);
        float scale = half_to_float(half);
        put_half(scales + (size_t)begin / ACTIVATION_GROUP * 2, half);
        for (uint32_t i = begin; i < begin + count; i++) {
            float quantum = scale > 0 ? rintf(ldexpf(row[i], -exponent) / scale) : 0;
            at[i] = (char)(int8_t)fmaxf(-QUANTUM_MAX, fminf(QUANTUM_MAX, quantum));
        }
    }
}

void activation_write(char *bytes, enum activation type, const float *row, uint32_t width)
{
    uint32_t word;
    int exponent;
    memset(bytes, 0, activation_bytes(type, width)); /* what pads it, too */
    switch (type) {
    case ACTIVATION_F32:
        for (uint32_t i = 0; i < width; i++) {
            memcpy(&word, row + i, sizeof word);
            put_word(bytes + (size_t)i * 4, word);
        }
        return;
    case ACTIVATION_F16:
        exponent = exponent_of(row, width);
        put_word(bytes, (uint32_t)exponent);
        for (uint32_t i = 0; i < width; i++)
            put_half(bytes + EXPONENT_BYTES + (size_t)i * 2,
                     half_from_float(ldexpf(row[i], -exponent)));
        return;
    case ACTIVATION_BF16:
        for (uint32_t i = 0; i < width; i++)
            put_half(bytes + (size_t)i * 2, half_bf16_from_float(row[i]));
        return;
    case ACTIVATION_I8:
        write_i8(bytes, row, width);
        return;
    case ACTIVATION_TYPES:
        return;
    }
}

static void read_i8(float *row, const char *bytes, int exponent, uint32_t width)
{
    const char *at = bytes + (size_t)groups(width) * 2;
    for (uint32_t i = 0; i < width; i++) {
        float scale = half_to_float(get_half(bytes + (size_t)(i / ACTIVATION_GROUP) * 2));
        row[i] = ldexpf(scale * (float)(int8_t)at[i], exponent);
    }
}

bool activation_read(float *row, enum activation type, const char *bytes, uint32_t width)
{
    uint32_t word;
    int exponent = 0;
    if (type == ACTIVATION_F16 || type == ACTIVATION_I8) {
        exponent = (int32_t)get_word(bytes);
        if (exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX)
            return false;
        bytes += EXPONENT_BYTES;
    }
    switch (type) {
    case ACTIVATION_F32:
        for (uint32_t i = 0; i < width; i++) {
            word = get_word(bytes + (size_t)i * 4);
            memcpy(row + i, &word, sizeof word);
        }
        break;
    case ACTIVATION_F16:
        for (uint32_t i = 0; i < width; i++)
            row[i] = ldexpf(half_to_float(get_half(bytes + (size_t)i * 2)), exponent);
        break;
    case ACTIVATION_BF16:
        for (uint32_t i = 0; i < width; i++)
            row[i] = half_bf16_to_float(get_half(bytes + (size_t)i * 2));
        break;
    case ACTIVATION_I8:
        read_i8(row, bytes, exponent, width);
        break;
    case ACTIVATION_TYPES:
        return false;
    }
    bool is_finite = true;
    for (uint32_t i = 0; i < width; i++)
        is_finite = is_finite && isfinite(row[i]);
    return is_finite;
}
