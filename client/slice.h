/* slice.h - a long text in pieces: whole, by paragraph, or by size.
 *
 * Pieces joined are the text again. A paragraph ends with the blank lines behind it. A piece by
 * size ends behind white space, so that no word is cut that is not longer than a piece by itself;
 * one that is ends where a character does.
 *
 *   units      bytes
 *   ownership  pieces point into the text
 *   threads    any
 *   errors     ERR_INVALID: no way of slicing
 */
#pragma once

#include "shared/base.h"

struct err;

enum { SLICE_BYTES_MIN = 16, SLICE_BYTES_PRESET = 2000, SLICE_BYTES_MAX = 1 << 20 };

enum slice_way { SLICE_NONE, SLICE_PARAGRAPH, SLICE_SIZE };

struct slice {
    enum slice_way way;
    size_t bytes_max; /* of SLICE_SIZE: of a piece */
};

/* none, paragraph, size or size:BYTES. */
MUST_CHECK bool slice_read(struct slice *slice, struct span word, struct err *err);

/* Takes the next piece off the text, which is UTF-8. False: nothing is left. */
MUST_CHECK bool slice_next(const struct slice *slice, struct span *piece, struct span *text);

/* Less the white space at both ends. */
struct span slice_trim(struct span piece);
