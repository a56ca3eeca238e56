/* card_scratch.h - memory of a check of a card's operators, here and there.
 *
 *   ownership  let_go gives back all that was taken since the last time
 *   threads    one
 */
#pragma once

#include "gpu/card.h"
#include "shared/base.h"

extern const struct card *card; /* that is checked */

void *room(size_t bytes);                  /* ours, zeroed */
void *take(size_t bytes);                  /* the card's */
void *put(const void *from, size_t bytes); /* the card's, with that in it */
float *any_floats(size_t count);           /* ours */
void let_go(void);

/* Fails unless the card's memory has those bytes, once it has finished. */
void assert_has(const void *memory, const void *want, size_t bytes);
