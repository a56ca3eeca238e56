/* text.h - bytes being written: a buffer that grows.
 *
 * Frames, JSON documents and metric pages are built in one of these.
 *
 *   ownership  owns its bytes; text_clear frees them. struct text t = {0} is empty
 *   threads    one at a time
 *   errors     none: what can be written is bounded where input is, so running out aborts
 */
#pragma once

#include "shared/base.h"

struct text {
    char *at;   /* not NUL-terminated; NULL when nothing was ever written */
    size_t len; /* bytes written */
    size_t capacity;
};

void text_clear(struct text *text);

/* Room for size more bytes, not yet counted in len. The caller fills it and adds to len. */
char *text_reserve(struct text *text, size_t size) __attribute__((returns_nonnull));

void text_add(struct text *text, struct span bytes);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_hex(struct text *text, const uint8_t *bytes, size_t count);

/* A JSON string with its quotes; text must be UTF-8. C0 as \u00xx or its short escape. */
void text_add_json(struct text *text, struct span utf8);

/* One ASCII character of a JSON string, escaped: the short escape where there is one. */
void text_add_json_char(struct text *text, char c);

static inline struct span text_span(const struct text *text)
{
    return (struct span){text->at, text->len};
}
