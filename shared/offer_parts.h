/* offer_parts.h - what the files of offer share. Part of offer.
 *
 *   threads  any
 */
#pragma once

#include "shared/offer.h"

/* At least one byte and at most max, and fit for a terminal: no control characters, neither C0 and
 * DEL nor C1. */
bool offer_is_words(struct span text, size_t max);

MUST_CHECK bool offer_read_count(uint32_t *out, struct span text, int64_t min, int64_t max);
