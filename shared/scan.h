/* scan.h - JSON read strictly, in one pass: a cursor, no tree, no recursion.
 *
 * The reader says what it expects next; anything else is refused. What is not wanted is skipped,
 * and checked all the same: wrong UTF-8, raw control bytes, unpaired surrogates and nesting past
 * SCAN_DEPTH_MAX are refused everywhere. A list is read like this:
 *
 *     if (!scan_array(scan, &list, err))
 *         return false;
 *     while (list.more)
 *         if (!read_item(scan, err) || !scan_next(scan, &list, err))
 *             return false;
 *
 *   units      bytes
 *   ownership  spans point into the text, or into the arena where an escape had to be resolved
 *   threads    one at a time
 *   errors     ERR_INVALID: what was expected, and at which byte
 *   spec       RFC 8259; RFC 3629
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"

struct arena;

enum { SCAN_DEPTH_MAX = 64 };

struct scan {
    const char *start, *at, *end; /* at: the next byte */
    struct span subject;          /* begins every refusal; the reader sets it to the key it reads */
};

struct scan_list {
    char close; /* ']' or '}' */
    bool more;  /* an item, or the key of a member, is next */
};

struct scan_string {
    struct span raw; /* between the quotes, still escaped */
    bool is_escaped; /* holds a backslash */
};

static inline bool scan_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

struct scan scan_begin(struct span text);

/* True when nothing but whitespace is left. */
MUST_CHECK bool scan_end(struct scan *scan, struct err *err);

/* The first byte of the next token, '\0' at the end. */
char scan_peek(struct scan *scan);

MUST_CHECK bool scan_array(struct scan *scan, struct scan_list *list, struct err *err);
MUST_CHECK bool scan_object(struct scan *scan, struct scan_list *list, struct err *err);

/* To be called after every item or member. */
MUST_CHECK bool scan_next(struct scan *scan, struct scan_list *list, struct err *err);

/* The name of a member, decoded, and its colon. */
MUST_CHECK bool scan_key(struct scan *scan, struct arena *arena, struct span *key, struct err *err);

MUST_CHECK bool scan_string(struct scan *scan, struct scan_string *string, struct err *err);
struct span scan_decode(struct arena *arena, struct scan_string string);

/* A string, decoded. */
MUST_CHECK bool scan_text(struct scan *scan, struct arena *arena, struct span *text,
                          struct err *err);

/* A string of exactly 2 * out_len lowercase hex digits. */
MUST_CHECK bool scan_hex(struct scan *scan, struct arena *arena, uint8_t *out, size_t out_len,
                         struct err *err);

/* A whole number from 0 to max, also when written as 1.7e9 or 1.0. */
MUST_CHECK bool scan_integer(struct scan *scan, int64_t *out, int64_t max, struct err *err);

MUST_CHECK bool scan_bool(struct scan *scan, bool *out, struct err *err);

/* Any value. */
MUST_CHECK bool scan_skip(struct scan *scan, struct err *err);

/* The character of the escape at *at, which a scan has accepted; *at moves past it. */
uint32_t scan_escape(const char **at);

/* Fails with "<subject>: <text> at byte <where>"; where points into the scanned text. */
#define scan_refuse(scan, where, err, ...) (scan_fill(scan, where, err, __VA_ARGS__), false)
void scan_fill(const struct scan *scan, const char *where, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Foreign text made fit for a refusal: cut, and in printable ASCII. */
struct scan_word {
    char at[33]; /* NUL-terminated */
};
struct scan_word scan_word(struct span text);
