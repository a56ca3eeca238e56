/* item.h - CBOR, an item at a time, as tokens and requests for payment have it.
 *
 * Lists and maps of no stated length, tags and fractions are ITEM_OTHER: no wallet writes them.
 *
 *   ownership  bytes and texts point into what is read
 *   threads    any
 *   errors     ERR_INVALID: broken, or another item than was expected
 *   bounds     no list or map claims more items than there are bytes left
 *   spec       RFC 8949
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum item_type { ITEM_NUMBER, ITEM_BYTES, ITEM_TEXT, ITEM_LIST, ITEM_MAP, ITEM_FLAG, ITEM_OTHER };

/* The head of what comes next; of bytes and text, all of it. */
struct item {
    enum item_type type;
    uint64_t number; /* or how many are in a list or a map, or 1 of a flag that is set */
    struct span bytes;
};

struct item_reader {
    const char *name; /* "a token" */
    const uint8_t *start, *at, *end;
};
struct item_reader item_reader(const char *name, struct span bytes);

/* "a token with ... at byte 7"; false. */
bool item_wrong(const struct item_reader *reader, const char *what, struct err *err);

MUST_CHECK bool item_expect(struct item_reader *reader, enum item_type type, struct item *item,
                            struct err *err);
MUST_CHECK bool item_read_text(struct item_reader *reader, struct span *out, struct err *err);

/* With all that is in it. */
MUST_CHECK bool item_skip(struct item_reader *reader, struct err *err);

/* ---- writing ---- */

void item_write_number(struct text *out, uint64_t number);
void item_write_flag(struct text *out, bool is_set);
void item_write_text(struct text *out, struct span text);
void item_write_bytes(struct text *out, struct span bytes);
void item_write_list(struct text *out, size_t count); /* the items follow */
void item_write_map(struct text *out, size_t count);
