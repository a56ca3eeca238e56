/* scratch.h - what a test builds and throws away together: strings, lists, signed events.
 *
 *   ownership  everything lives until scratch_clear, which a program's end calls as well
 *   threads    one
 */
#pragma once

#include "shared/base.h"

/* Zeroed. */
void *scratch_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* printf into new memory. */
char *scratch_format(const char *format, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull));

/* count times part, joined by between. */
char *scratch_repeat(const char *part, size_t count, const char *between)
    __attribute__((returns_nonnull));

void scratch_clear(void);
