#include "shared/number.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

const char *number_end(const char *at, const char *end)
{
    const char *none = at;
    if (at < end && *at == '-')
        at++;
    const char *whole = at;
    at = skip_digits(at, end);
    if (at == whole || (*whole == '0' && at > whole + 1))
        return none;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        if (at == fraction)
            return none;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + 1;
        if (exponent < end && (*exponent == '+' || *exponent == '-'))
            exponent++;
        at = skip_digits(exponent, end);
        if (at == exponent)
            return none;
    }
    return at;
}

/* Of "e-12", 0 of "". Far past what an int64_t can hold, more digits change nothing. */
static int exponent_value(const char *at, const char *end)
{
    int value = 0;
    bool is_negative = false;
    for (; at < end; at++) {
        is_negative |= *at == '-';
        if (is_digit(*at) && value < 1000)
            value = value * 10 + (*at - '0');
    }
    return is_negative ? -value : value;
}

bool number_value(int64_t *out, struct span number)
{
    const char *at = number.at;
    const char *end = at + number.len;
    bool is_negative = *at == '-';
    bool in_fraction = false;
    int64_t value = 0;
    int64_t scale = 0; /* value times ten to the scale */
    for (at += is_negative; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.') {
            in_fraction = true;
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
        scale -= in_fraction;
    }
    scale += exponent_value(at, end);
    for (; scale > 0 && value != 0; scale--)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    for (; scale < 0 && value != 0; scale++) {
        if (value % 10 != 0)
            return false;
        value /= 10;
    }
    *out = is_negative ? -value : value;
    return true;
}

bool number_decimal(int64_t *out, struct span text)
{
    const char *end = text.at + text.len;
    return text.len > 0 && skip_digits(text.at, end) == end && number_value(out, text);
}

bool number_hundredths(uint64_t *out, struct span text)
{
    const char *point = text.len > 0 ? memchr(text.at, '.', text.len) : NULL;
    size_t len = point != NULL ? (size_t)(point - text.at) : text.len;
    struct span digits = {point != NULL ? point + 1 : "", point != NULL ? text.len - len - 1 : 0};
    int64_t whole, part = 0;
    if (!number_decimal(&whole, (struct span){text.at, len}) || whole >= INT64_MAX / 100)
        return false;
    if (point != NULL && (digits.len < 1 || digits.len > 2 || !number_decimal(&part, digits)))
        return false;
    *out = (uint64_t)whole * 100 + (uint64_t)(digits.len == 1 ? part * 10 : part);
    return true;
}
