/* lib0.h - the bytes that Yjs updates are made of: numbers, strings, and values of any JSON type.
 *
 * A reader that runs past its end, or meets what cannot be, fails once and for all: what it gives
 * from then on is zero or empty, and the caller looks at failed at the end.
 *
 *   ownership  spans point into the bytes read
 *   spec       lib0 encoding, as of yjs 13
 */
#pragma once

#include "shared/base.h"

struct text;

enum { LIB0_DEPTH_MAX = 64, LIB0_NUMBER_BITS = 53 };

struct lib0 {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct lib0 lib0_begin(struct span bytes)
{
    const uint8_t *at = bytes.len > 0 ? (const uint8_t *)bytes.at : (const uint8_t *)"";
    return (struct lib0){at, at + bytes.len, false};
}

uint8_t lib0_byte(struct lib0 *in);

/* At most 2^LIB0_NUMBER_BITS. */
uint64_t lib0_number(struct lib0 *in);

/* A number and as many bytes. */
struct span lib0_bytes(struct lib0 *in);

/* The same, which must be UTF-8. */
struct span lib0_string(struct lib0 *in);

/* A value of any type, as its bytes. */
struct span lib0_any(struct lib0 *in);

void lib0_add_byte(struct text *out, uint8_t byte);
void lib0_add_number(struct text *out, uint64_t number);
void lib0_add_bytes(struct text *out, struct span bytes);
void lib0_add_any_string(struct text *out, struct span utf8);

/* any: what lib0_any gave. Binary becomes null, as undefined does, and numbers that are none. */
void lib0_write_json(struct text *out, struct span any);
