/* position.h - places in a list that others change at the same time.
 *
 * A position is a word of 0-9, A-Z, a-z; the order of a list is the order of its bytes. There is
 * always one between two different ones.
 *
 *   errors  ERR_INVALID; a word that would be too long
 *   spec    Shoal's state, "movable list"
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { POSITION_CHARS_MAX = 128 };

/* At most POSITION_CHARS_MAX of the alphabet, at least one, and not "0" last, before which nothing
 * could be. */
bool position_is(struct span word);

/* Where there is a bound on one side only the position is close to it: what is put behind the last,
 * again and again, makes words that grow by a character in about thirty.
 *
 * Appends a position after low and before high, either of which may be empty: no bound. random
 * makes two that ask for the same place at the same time differ. False when low is not before high
 * or the word would be too long: then the list is to be numbered anew. */
MUST_CHECK bool position_between(struct text *out, struct span low, struct span high,
                                 uint32_t random, struct err *err);
