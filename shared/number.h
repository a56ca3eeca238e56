/* number.h - whole numbers as JSON and tags write them, exactly.
 *
 *   spec  RFC 8259 "Numbers"
 */
#pragma once

#include "shared/base.h"

/* Where the JSON number that begins at at ends; at itself when none does. */
const char *number_end(const char *at, const char *end);

/* The value of a JSON number, which may be written as 1.7e9 or 1.0. False when it is not whole,
 * or its magnitude is past INT64_MAX. */
MUST_CHECK bool number_value(int64_t *out, struct span number);

/* Of text that is digits and nothing else; leading zeroes do no harm. */
MUST_CHECK bool number_decimal(int64_t *out, struct span text);

/* A hundred times a number with at most two digits behind its point: 12, 0.5, 0.05. */
MUST_CHECK bool number_hundredths(uint64_t *out, struct span text);
