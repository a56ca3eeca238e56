/* stopper.h - ends a text that comes in pieces before the first of some strings.
 *
 * What may be the beginning of one is held back until it is known not to be, so no part of a stop
 * string is ever told.
 *
 *   ownership  stopper_clear frees what is held; the strings are borrowed
 *   threads    one at a time
 */
#pragma once

#include "shared/text.h"

enum { STOPPER_STRINGS_MAX = 16 };

struct stopper {
    struct span strings[STOPPER_STRINGS_MAX]; /* none empty */
    size_t count;
    struct text held;
    bool has_stopped;
};

void stopper_clear(struct stopper *stopper);

/* Adds a piece; out gets what can be told. False once the text has ended: nothing more is told. */
bool stopper_add(struct stopper *stopper, struct text *out, struct span piece);

/* Nothing more will come. */
void stopper_end(struct stopper *stopper, struct text *out);
