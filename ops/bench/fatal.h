/* fatal.h - the end of a benchmark that cannot go on: why, on stderr, and exit status 1.
 */
#pragma once

#include <stddef.h>

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed; never NULL. */
void *fatal_alloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
