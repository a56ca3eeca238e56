#include "client/canon.h"

#include <math.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { DIGITS_MAX = 17 };

static const int64_t whole_max = (int64_t)1 << 53;

struct member {
    struct span key; /* decoded; of an array's, empty */
    struct span value;
};

struct level {
    struct scan_list list;
    struct span key; /* of the member being read */
    struct member *members;
    uint32_t count;
};

struct reader {
    struct level levels[CANON_DEPTH_MAX];
    uint32_t depth;
};

static struct span copy_string(struct arena *arena, struct span decoded)
{
    struct text text = {0};
    text_add_json(&text, decoded);
    struct span copy = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return copy;
}

/* The shortest decimal digits that are this number and no other: d.ddd, and its exponent. */
static int shortest_digits(char digits[DIGITS_MAX + 1], double number)
{
    struct text text = {0};
    int precision = 0;
    do {
        text.len = 0;
        text_addf(&text, "%.*e", precision++, number);
        text_add(&text, SPAN("\0"));
    } while (strtod(text.at, NULL) != number && precision < DIGITS_MAX);
    size_t count = 0;
    const char *at = text.at;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    digits[count] = '\0';
    int exponent = (int)strtol(at + 1, NULL, 10);
    text_clear(&text);
    return exponent;
}

/* As ECMAScript writes a number that is not whole within 2^53. */
static void write_fraction(struct text *out, double number)
{
    char digits[DIGITS_MAX + 1];
    int exponent = shortest_digits(digits, fabs(number));
    int count = (int)strlen(digits);
    if (number < 0)
        text_add(out, SPAN("-"));
    if (exponent >= 21 || exponent < -6) {
        text_addf(out, "%.1s%s%s", digits, count > 1 ? "." : "", digits + 1);
        text_addf(out, "e%+d", exponent);
    } else if (exponent < 0) {
        text_addf(out, "0.%.*s%s", -exponent - 1, "00000", digits);
    } else if (count > exponent + 1) {
        text_addf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    } else {
        text_addf(out, "%s%.*s", digits, exponent + 1 - count, "00000000000000000000");
    }
}

static bool read_number(struct span *out, struct arena *arena, struct scan *scan, struct err *err)
{
    const char *begin = scan->at;
    const char *end = number_end(begin, scan->end);
    struct span number = {begin, (size_t)(end - begin)};
    struct text text = {0};
    char *terminated = arena_alloc(arena, number.len + 1);
    int64_t whole;
    if (end == begin)
        return scan_refuse(scan, begin, err, "expected a value");
    memcpy(terminated, begin, number.len);
    double value = strtod(terminated, NULL);
    bool is_whole = number_value(&whole, number);
    if (!isfinite(value) || fabs(value) > (double)whole_max ||
        (is_whole && (whole > whole_max || whole < -whole_max)))
        return scan_refuse(scan, begin, err, "a number past 2^53, which must be a string");
    if (is_whole)
        text_addf(&text, "%lld", (long long)whole);
    else if (value == 0)
        text_add(&text, SPAN("0"));
    else
        write_fraction(&text, value);
    scan->at = end;
    *out = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return true;
}

static bool read_literal(struct span *out, struct scan *scan, struct err *err)
{
    const char *begin = scan->at;
    if (!scan_skip(scan, err))
        return false;
    *out = (struct span){begin, (size_t)(scan->at - begin)};
    return true;
}

static bool read_scalar(struct span *out, struct arena *arena, struct scan *scan, struct err *err)
{
    char first = scan_peek(scan);
    if (first == 't' || first == 'f' || first == 'n')
        return read_literal(out, scan, err);
    if (first != '"')
        return read_number(out, arena, scan, err);
    struct span decoded;
    if (!scan_text(scan, arena, &decoded, err))
        return false;
    *out = copy_string(arena, decoded);
    return true;
}

/* UTF-16, in which RFC 8785 sorts, has U+E000 to U+FFFF behind all that UTF-8 has behind them. */
static int weight(char c)
{
    uint8_t byte = (uint8_t)c;
    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

int canon_compare(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < shorter; i++)
        if (a.at[i] != b.at[i])
            return weight(a.at[i]) - weight(b.at[i]);
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_members(const void *a, const void *b)
{
    return canon_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static bool sort_members(struct level *level, struct scan *scan, struct err *err)
{
    if (level->count > 1)
        qsort(level->members, level->count, sizeof *level->members, compare_members);
    for (uint32_t i = 1; i < level->count; i++)
        if (span_eq(level->members[i].key, level->members[i - 1].key))
            return scan_refuse(scan, scan->at, err, "two members named '%s'",
                               scan_word(level->members[i].key).at);
    return true;
}

/* The text of a list that has been read to its end. */
static bool close_level(struct span *out, struct arena *arena, struct level *level,
                        struct scan *scan, struct err *err)
{
    bool is_object = level->list.close == '}';
    struct text text = {0};
    if (is_object && !sort_members(level, scan, err))
        return false;
    text_add(&text, is_object ? SPAN("{") : SPAN("["));
    for (uint32_t i = 0; i < level->count; i++) {
        if (i > 0)
            text_add(&text, SPAN(","));
        if (is_object) {
            text_add_json(&text, level->members[i].key);
            text_add(&text, SPAN(":"));
        }
        text_add(&text, level->members[i].value);
    }
    text_add(&text, (struct span){&level->list.close, 1});
    *out = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return true;
}

/* Begins a list, or reads a scalar into out and says so. */
static bool open_value(struct reader *reader, struct span *out, bool *is_whole, struct arena *arena,
                       struct scan *scan, struct err *err)
{
    char first = scan_peek(scan);
    *is_whole = first != '[' && first != '{';
    if (*is_whole)
        return read_scalar(out, arena, scan, err);
    if (reader->depth == CANON_DEPTH_MAX)
        return scan_refuse(scan, scan->at, err, "more than %d levels", CANON_DEPTH_MAX);
    struct level *level = &reader->levels[reader->depth++];
    *level = (struct level){0};
    return first == '[' ? scan_array(scan, &level->list, err)
                        : scan_object(scan, &level->list, err);
}

static bool add_member(struct level *level, struct arena *arena, struct span value,
                       struct scan *scan, struct err *err)
{
    level->members = arena_grow(arena, struct member, level->members, level->count);
    level->members[level->count++] = (struct member){level->key, value};
    return scan_next(scan, &level->list, err);
}

bool canon_scan(struct span *out, struct arena *arena, struct scan *scan, struct err *err)
{
    struct reader reader = {.depth = 0};
    bool is_whole;
    do {
        if (!open_value(&reader, out, &is_whole, arena, scan, err))
            return false;
        while (reader.depth > 0) { /* what was read may be the last of its list, and that of its */
            struct level *level = &reader.levels[reader.depth - 1];
            if (is_whole && !add_member(level, arena, *out, scan, err))
                return false;
            is_whole = !level->list.more;
            if (!is_whole)
                break;
            if (!close_level(out, arena, level, scan, err))
                return false;
            reader.depth--;
        }
        struct level *level = reader.depth > 0 ? &reader.levels[reader.depth - 1] : NULL;
        if (level != NULL && level->list.close == '}' && !scan_key(scan, arena, &level->key, err))
            return false;
    } while (reader.depth > 0);
    return true;
}
