/* wasm_print.c - numbers and text as printf writes them. Those with fractions are the host's to
 * read and to write: only ECMAScript's form of them is ever asked for. */
#include <stdio.h>
#include <stdlib.h>

#include "client/wasm_host.h"

/* Where the text goes, or would go. */
struct sink {
    char *out;
    size_t size, len;
};

static void put(struct sink *sink, char c)
{
    if (sink->len + 1 < sink->size)
        sink->out[sink->len] = c;
    sink->len++;
}

/* Between % and the letter. */
struct spec {
    bool has_zeroes, has_plus, has_precision;
    int width, precision, longs; /* longs: of l; z is none, as a size_t is an int's size */
};

enum { DIGITS_MAX = 24, FRACTION_MAX = 64 };

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, size_t len)
{
    char fill = spec->has_zeroes ? '0' : ' ';
    for (int i = (int)len; i < spec->width; i++)
        put(sink, fill);
    for (size_t i = 0; i < len; i++)
        put(sink, text[i]);
}

static void put_number(struct sink *sink, struct spec *spec, uint64_t value, unsigned base)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    put_padded(sink, spec, digits + at, sizeof digits - at);
}

static void put_signed(struct sink *sink, struct spec *spec, int64_t value)
{
    if (value < 0 || spec->has_plus) {
        put(sink, value < 0 ? '-' : '+');
        spec->width--;
    }
    put_number(sink, spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text)
{
    size_t len = 0;
    while ((!spec->has_precision || len < (size_t)spec->precision) && text[len] != '\0')
        len++;
    put_padded(sink, spec, text, len);
}

static void put_fraction(struct sink *sink, const struct spec *spec, double number)
{
    char text[FRACTION_MAX];
    put_padded(sink, spec, text, host_write_number(number, spec->precision, text, sizeof text));
}

static int read_count(const char **format, va_list *args)
{
    int count = 0;
    if (**format == '*') {
        (*format)++;
        return va_arg(*args, int);
    }
    for (; **format >= '0' && **format <= '9'; (*format)++)
        count = 10 * count + (**format - '0');
    return count;
}

static struct spec read_spec(const char **format, va_list *args)
{
    struct spec spec = {0};
    for (; **format == '0' || **format == '+'; (*format)++) {
        spec.has_zeroes = spec.has_zeroes || **format == '0';
        spec.has_plus = spec.has_plus || **format == '+';
    }
    spec.width = read_count(format, args);
    spec.has_precision = **format == '.';
    if (spec.has_precision) {
        (*format)++;
        spec.precision = read_count(format, args);
    }
    for (; **format == 'l' || **format == 'z'; (*format)++)
        spec.longs += **format == 'l';
    return spec;
}

static uint64_t take_unsigned(const struct spec *spec, va_list *args)
{
    return spec->longs == 2 ? va_arg(*args, unsigned long long) : va_arg(*args, unsigned);
}

static void put_one(struct sink *sink, const char **format, va_list *args)
{
    struct spec spec = read_spec(format, args);
    switch (*(*format)++) {
    case 's':
        put_text(sink, &spec, va_arg(*args, const char *));
        return;
    case 'c':
        put(sink, (char)va_arg(*args, int));
        return;
    case 'd':
        put_signed(sink, &spec,
                   spec.longs == 2 ? va_arg(*args, long long) : (long long)va_arg(*args, int));
        return;
    case 'u':
        put_number(sink, &spec, take_unsigned(&spec, args), 10);
        return;
    case 'x':
        put_number(sink, &spec, take_unsigned(&spec, args), 16);
        return;
    case 'e':
        put_fraction(sink, &spec, va_arg(*args, double));
        return;
    case '%':
        put(sink, '%');
        return;
    default: /* nobody writes any other */
        abort();
    }
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
int vsnprintf(char *restrict out, size_t size, const char *restrict format, va_list args)
{
    struct sink sink = {out, size, 0};
    const char *at = format;
    va_list rest;
    va_copy(rest, args);
    while (*at != '\0') {
        char c = *at++;
        if (c == '%')
            put_one(&sink, &at, &rest);
        else
            put(&sink, c);
    }
    va_end(rest);
    if (size > 0)
        out[sink.len < size ? sink.len : size - 1] = '\0';
    return (int)sink.len;
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
double strtod(const char *restrict text, char **restrict end)
{
    (void)end;
    return host_read_number(text, strlen(text));
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
long strtol(const char *restrict text, char **restrict end, int base)
{
    long value = 0;
    bool is_negative = *text == '-';
    (void)end;
    (void)base;
    text += *text == '-' || *text == '+';
    for (; *text >= '0' && *text <= '9'; text++)
        value = 10 * value + (*text - '0');
    return is_negative ? -value : value;
}
