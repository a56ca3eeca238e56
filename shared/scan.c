#include "shared/scan.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/arena.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/utf8.h"

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

struct scan_word scan_word(struct span text)
{
    struct scan_word word = {0};
    for (size_t i = 0; i < text.len && i < sizeof word.at - 1; i++)
        word.at[i] = (char)(is_printable(text.at[i]) ? text.at[i] : '?');
    return word;
}

void scan_fill(const struct scan *scan, const char *where, struct err *err, const char *format, ...)
{
    char reason[80];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    size_t byte = (size_t)(where - scan->start);
    if (scan->subject.len > 0)
        err_fill(err, ERR_INVALID, "%s: %s at byte %zu", scan_word(scan->subject).at, reason, byte);
    else
        err_fill(err, ERR_INVALID, "%s at byte %zu", reason, byte);
}

struct scan scan_begin(struct span text)
{
    const char *at = text.len > 0 ? text.at : "";
    return (struct scan){.start = at, .at = at, .end = at + text.len};
}

char scan_peek(struct scan *scan)
{
    while (scan->at < scan->end && scan_is_space(*scan->at))
        scan->at++;
    return (char)(scan->at < scan->end ? *scan->at : '\0');
}

bool scan_end(struct scan *scan, struct err *err)
{
    scan_peek(scan);
    if (scan->at < scan->end)
        return scan_refuse(scan, scan->at, err, "expected the end");
    return true;
}

static bool open_list(struct scan *scan, struct scan_list *list, char open, struct err *err)
{
    if (scan_peek(scan) != open)
        return scan_refuse(scan, scan->at, err, "expected '%c'", open);
    scan->at++;
    list->close = (char)(open == '[' ? ']' : '}');
    list->more = scan_peek(scan) != list->close;
    scan->at += !list->more;
    return true;
}

bool scan_array(struct scan *scan, struct scan_list *list, struct err *err)
{
    return open_list(scan, list, '[', err);
}

bool scan_object(struct scan *scan, struct scan_list *list, struct err *err)
{
    return open_list(scan, list, '{', err);
}

bool scan_next(struct scan *scan, struct scan_list *list, struct err *err)
{
    char c = scan_peek(scan);
    if (c != ',' && c != list->close)
        return scan_refuse(scan, scan->at, err, "expected ',' or '%c'", list->close);
    scan->at++;
    list->more = c == ',';
    return true;
}

static uint32_t hex_digit(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static uint32_t hex_unit(const char *at)
{
    return hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 |
           hex_digit(at[3]);
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

uint32_t scan_escape(const char **at)
{
    char letter = (*at)[1];
    *at += 2;
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        break;
    default: /* quote, backslash, slash */
        return (unsigned char)letter;
    }
    uint32_t unit = hex_unit(*at);
    *at += 4;
    if (!is_high_surrogate(unit))
        return unit;
    uint32_t low = hex_unit(*at + 2);
    *at += 6;
    return 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
}

/* "\uXXXX" begins at at. */
static bool is_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return false;
    for (int i = 2; i < 6; i++)
        if (!(at[i] >= '0' && at[i] <= '9') && !((at[i] | 0x20) >= 'a' && (at[i] | 0x20) <= 'f'))
            return false;
    return true;
}

/* Moves past the escape at scan->at. */
static bool skip_escape(struct scan *scan, struct err *err)
{
    const char *at = scan->at;
    if (scan->end - at >= 2 && at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL) {
        scan->at += 2;
        return true;
    }
    if (!is_unit(at, scan->end))
        return scan_refuse(scan, at, err, "invalid escape");
    uint32_t unit = hex_unit(at + 2);
    scan->at += 6;
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit))
        return true;
    if (is_low_surrogate(unit) || !is_unit(at + 6, scan->end) ||
        !is_low_surrogate(hex_unit(at + 8)))
        return scan_refuse(scan, at, err, "unpaired surrogate");
    scan->at += 6;
    return true;
}

/* Moves past bytes that stand for themselves: printable ASCII but quote and backslash. */
static const char *skip_plain(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101;
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        /* Borrows may set further bits, but only when some byte really has its bit set. */
        uint64_t below_space = word - 0x20 * ones;
        uint64_t quote = (word ^ '"' * ones) - ones;
        uint64_t backslash = (word ^ '\\' * ones) - ones;
        if (((word | below_space | quote | backslash) & 0x80 * ones) != 0)
            break;
        at += 8;
    }
    while (at < end && *at >= ' ' && *at != '"' && *at != '\\' && (unsigned char)*at < 0x80)
        at++;
    return at;
}

bool scan_string(struct scan *scan, struct scan_string *string, struct err *err)
{
    if (scan_peek(scan) != '"')
        return scan_refuse(scan, scan->at, err, "expected a string");
    const char *begin = ++scan->at;
    string->is_escaped = false;
    for (;;) {
        scan->at = skip_plain(scan->at, scan->end);
        if (scan->at == scan->end)
            return scan_refuse(scan, scan->at, err, "expected '\"'");
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"')
            break;
        if (c < ' ')
            return scan_refuse(scan, scan->at, err, "unescaped control byte");
        if (c == '\\') {
            string->is_escaped = true;
            if (!skip_escape(scan, err))
                return false;
            continue;
        }
        size_t size = utf8_size(scan->at, scan->end);
        if (size == 0)
            return scan_refuse(scan, scan->at, err, "invalid UTF-8");
        scan->at += size;
    }
    string->raw = (struct span){begin, (size_t)(scan->at - begin)};
    scan->at++;
    return true;
}

struct span scan_decode(struct arena *arena, struct scan_string string)
{
    if (!string.is_escaped)
        return string.raw;
    char *out = arena_alloc(arena, string.raw.len); /* no escape is shorter than its character */
    size_t len = 0;
    const char *end = string.raw.at + string.raw.len;
    for (const char *at = string.raw.at; at < end;) {
        if (*at == '\\')
            len += utf8_put(out + len, scan_escape(&at));
        else
            out[len++] = *at++;
    }
    return (struct span){out, len};
}

bool scan_text(struct scan *scan, struct arena *arena, struct span *text, struct err *err)
{
    struct scan_string string;
    if (!scan_string(scan, &string, err))
        return false;
    *text = scan_decode(arena, string);
    return true;
}

static bool skip_colon(struct scan *scan, struct err *err)
{
    if (scan_peek(scan) != ':')
        return scan_refuse(scan, scan->at, err, "expected ':'");
    scan->at++;
    return true;
}

bool scan_key(struct scan *scan, struct arena *arena, struct span *key, struct err *err)
{
    return scan_text(scan, arena, key, err) && skip_colon(scan, err);
}

bool scan_hex(struct scan *scan, struct arena *arena, uint8_t *out, size_t out_len, struct err *err)
{
    scan_peek(scan);
    const char *where = scan->at;
    struct span text;
    if (!scan_text(scan, arena, &text, err))
        return false;
    if (!hex_decode(out, out_len, text))
        return scan_refuse(scan, where, err, "expected %zu lowercase hex digits", 2 * out_len);
    return true;
}

bool scan_integer(struct scan *scan, int64_t *out, int64_t max, struct err *err)
{
    scan_peek(scan);
    const char *begin = scan->at;
    const char *end = number_end(begin, scan->end);
    int64_t value;
    if (end == begin || !number_value(&value, (struct span){begin, (size_t)(end - begin)}) ||
        value < 0 || value > max)
        return scan_refuse(scan, begin, err, "expected an integer from 0 to %lld", (long long)max);
    scan->at = end;
    *out = value;
    return true;
}

static bool skip_literal(struct scan *scan, struct span literal)
{
    if ((size_t)(scan->end - scan->at) < literal.len ||
        !span_eq((struct span){scan->at, literal.len}, literal))
        return false;
    scan->at += literal.len;
    return true;
}

bool scan_bool(struct scan *scan, bool *out, struct err *err)
{
    scan_peek(scan);
    *out = skip_literal(scan, SPAN("true"));
    if (!*out && !skip_literal(scan, SPAN("false")))
        return scan_refuse(scan, scan->at, err, "expected true or false");
    return true;
}

static bool skip_scalar(struct scan *scan, struct err *err)
{
    struct scan_string string;
    if (scan_peek(scan) == '"')
        return scan_string(scan, &string, err);
    if (skip_literal(scan, SPAN("true")) || skip_literal(scan, SPAN("false")) ||
        skip_literal(scan, SPAN("null")))
        return true;
    const char *end = number_end(scan->at, scan->end);
    if (end == scan->at)
        return scan_refuse(scan, scan->at, err, "expected a value");
    scan->at = end;
    return true;
}

/* One scalar, or the opening of a list, which is pushed onto open. */
static bool skip_step(struct scan *scan, struct scan_list *open, size_t *depth, struct err *err)
{
    char c = scan_peek(scan);
    if (c != '[' && c != '{')
        return skip_scalar(scan, err) && (*depth == 0 || scan_next(scan, &open[*depth - 1], err));
    if (*depth == SCAN_DEPTH_MAX)
        return scan_refuse(scan, scan->at, err, "more than %d levels", SCAN_DEPTH_MAX);
    return open_list(scan, &open[(*depth)++], c, err);
}

bool scan_skip(struct scan *scan, struct err *err)
{
    struct scan_list open[SCAN_DEPTH_MAX];
    struct scan_string key;
    size_t depth = 0;
    do {
        if (!skip_step(scan, open, &depth, err))
            return false;
        while (depth > 0 && !open[depth - 1].more) {
            depth--;
            if (depth > 0 && !scan_next(scan, &open[depth - 1], err))
                return false;
        }
        if (depth > 0 && open[depth - 1].close == '}' &&
            (!scan_string(scan, &key, err) || !skip_colon(scan, err)))
            return false;
    } while (depth > 0);
    return true;
}
