#include "client/lib0.h"

#include <math.h>

#include "shared/text.h"
#include "shared/utf8.h"

enum any {
    ANY_BINARY = 116,
    ANY_ARRAY = 117,
    ANY_OBJECT = 118,
    ANY_STRING = 119,
    ANY_TRUE = 120,
    ANY_FALSE = 121,
    ANY_BIGINT = 122,
    ANY_FLOAT64 = 123,
    ANY_FLOAT32 = 124,
    ANY_INTEGER = 125,
    ANY_NULL = 126,
    ANY_UNDEFINED = 127,
};

uint8_t lib0_byte(struct lib0 *in)
{
    in->failed |= in->at >= in->end;
    return in->failed ? 0 : *in->at++;
}

static struct span take(struct lib0 *in, uint64_t count)
{
    in->failed |= count > (uint64_t)(in->end - in->at);
    if (in->failed)
        return SPAN("");
    struct span taken = {(const char *)in->at, (size_t)count};
    in->at += count;
    return taken;
}

uint64_t lib0_number(struct lib0 *in)
{
    const uint64_t max = (uint64_t)1 << LIB0_NUMBER_BITS;
    uint64_t number = 0;
    for (uint32_t shift = 0; shift < 63; shift += 7) {
        uint8_t byte = lib0_byte(in);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            in->failed |= number > max;
            return in->failed ? 0 : number;
        }
    }
    in->failed = true;
    return 0;
}

struct span lib0_bytes(struct lib0 *in)
{
    return take(in, lib0_number(in));
}

struct span lib0_string(struct lib0 *in)
{
    struct span string = lib0_bytes(in);
    in->failed |= !utf8_is(string);
    return in->failed ? SPAN("") : string;
}

/* Sign in the second bit of the first byte, six bits there, then seven in each. */
static int64_t take_integer(struct lib0 *in)
{
    uint8_t byte = lib0_byte(in);
    bool is_negative = (byte & 0x40) != 0;
    uint64_t number = byte & 0x3f;
    for (uint32_t shift = 6; (byte & 0x80) != 0 && !in->failed; shift += 7) {
        byte = lib0_byte(in);
        in->failed |= shift > 55;
        if (!in->failed)
            number |= (uint64_t)(byte & 0x7f) << shift;
    }
    return is_negative ? -(int64_t)number : (int64_t)number;
}

/* What is still to come of the lists that are open. */
struct levels {
    struct {
        uint64_t left;
        bool is_object;
    } at[LIB0_DEPTH_MAX];
    uint32_t depth;
};

static void open_level(struct levels *levels, struct lib0 *in, bool is_object)
{
    uint64_t left = lib0_number(in);
    in->failed |= levels->depth == LIB0_DEPTH_MAX || left > (uint64_t)(in->end - in->at);
    if (in->failed)
        return;
    levels->at[levels->depth].left = left;
    levels->at[levels->depth++].is_object = is_object;
}

static void skip_value(struct levels *levels, struct lib0 *in)
{
    switch (lib0_byte(in)) {
    case ANY_UNDEFINED:
    case ANY_NULL:
    case ANY_TRUE:
    case ANY_FALSE:
        return;
    case ANY_INTEGER:
        take_integer(in);
        return;
    case ANY_FLOAT32:
        take(in, sizeof(float));
        return;
    case ANY_FLOAT64:
    case ANY_BIGINT:
        take(in, sizeof(double));
        return;
    case ANY_STRING:
        lib0_string(in);
        return;
    case ANY_BINARY:
        lib0_bytes(in);
        return;
    case ANY_OBJECT:
        open_level(levels, in, true);
        return;
    case ANY_ARRAY:
        open_level(levels, in, false);
        return;
    default:
        in->failed = true;
    }
}

struct span lib0_any(struct lib0 *in)
{
    const uint8_t *begin = in->at;
    struct levels levels = {.depth = 0};
    skip_value(&levels, in);
    while (levels.depth > 0 && !in->failed) {
        uint32_t top = levels.depth - 1;
        if (levels.at[top].left == 0) {
            levels.depth--;
            continue;
        }
        levels.at[top].left--;
        if (levels.at[top].is_object)
            lib0_string(in);
        skip_value(&levels, in);
    }
    return in->failed ? SPAN("") : (struct span){(const char *)begin, (size_t)(in->at - begin)};
}

void lib0_add_byte(struct text *out, uint8_t byte)
{
    *text_reserve(out, 1) = (char)byte;
    out->len++;
}

void lib0_add_number(struct text *out, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        lib0_add_byte(out, (uint8_t)(0x80 | (number & 0x7f)));
    lib0_add_byte(out, (uint8_t)number);
}

void lib0_add_bytes(struct text *out, struct span bytes)
{
    lib0_add_number(out, bytes.len);
    text_add(out, bytes);
}

void lib0_add_any_string(struct text *out, struct span utf8)
{
    lib0_add_byte(out, ANY_STRING);
    lib0_add_bytes(out, utf8);
}

static uint64_t take_big_endian(struct lib0 *in, size_t bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes; i++)
        bits = bits << 8 | lib0_byte(in);
    return bits;
}

static void write_float(struct text *out, double number)
{
    if (isfinite(number))
        text_addf(out, "%.17g", number);
    else
        text_add(out, SPAN("null"));
}

static void write_float32(struct text *out, struct lib0 *in)
{
    uint32_t bits = (uint32_t)take_big_endian(in, sizeof bits);
    float number;
    memcpy(&number, &bits, sizeof number);
    write_float(out, (double)number);
}

static void write_float64(struct text *out, struct lib0 *in)
{
    uint64_t bits = take_big_endian(in, sizeof bits);
    double number;
    memcpy(&number, &bits, sizeof number);
    write_float(out, number);
}

/* A scalar, or the bracket that opens a list. */
static void write_value(struct text *out, struct levels *levels, struct lib0 *in)
{
    switch (lib0_byte(in)) {
    case ANY_TRUE:
        text_add(out, SPAN("true"));
        return;
    case ANY_FALSE:
        text_add(out, SPAN("false"));
        return;
    case ANY_INTEGER:
        text_addf(out, "%lld", (long long)take_integer(in));
        return;
    case ANY_FLOAT32:
        write_float32(out, in);
        return;
    case ANY_FLOAT64:
        write_float64(out, in);
        return;
    case ANY_BIGINT:
        text_addf(out, "%lld", (long long)take_big_endian(in, sizeof(int64_t)));
        return;
    case ANY_STRING:
        text_add_json(out, lib0_string(in));
        return;
    case ANY_BINARY:
        lib0_bytes(in);
        break;
    case ANY_OBJECT:
        open_level(levels, in, true);
        text_add(out, SPAN("{"));
        return;
    case ANY_ARRAY:
        open_level(levels, in, false);
        text_add(out, SPAN("["));
        return;
    default: /* null, undefined */
        break;
    }
    text_add(out, SPAN("null"));
}

void lib0_write_json(struct text *out, struct span any)
{
    struct lib0 in = lib0_begin(any);
    struct levels levels = {.depth = 0};
    write_value(out, &levels, &in);
    while (levels.depth > 0) {
        uint32_t top = levels.depth - 1;
        if (levels.at[top].left == 0) {
            text_add(out, levels.at[top].is_object ? SPAN("}") : SPAN("]"));
            levels.depth--;
            continue;
        }
        levels.at[top].left--;
        char last = out->at[out->len - 1];
        if (last != '{' && last != '[')
            text_add(out, SPAN(","));
        if (levels.at[top].is_object) {
            text_add_json(out, lib0_string(&in));
            text_add(out, SPAN(":"));
        }
        write_value(out, &levels, &in);
    }
}
