/* pace.h - how long a step of so many rows will take, from how long those before took.
 *
 * A step takes a + b * rows: a to read the weights, b for each row. Both are fitted to what was
 * measured, what was last weighing most.
 *
 *   units      nanoseconds, rows
 *   ownership  a plain value; zero knows nothing
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct pace {
    double weight, rows, nanoseconds, squares, products; /* sums */
};

void pace_add(struct pace *pace, uint32_t rows, uint64_t nanoseconds);

/* The most rows that a step of such a time can be expected to have; 0 when it is too short for
 * one, or when nothing is known. */
uint32_t pace_rows(const struct pace *pace, uint64_t nanoseconds);
