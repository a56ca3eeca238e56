/* stdlib.h - the part of C's that the core needs, where there is no C library.
 *
 *   errors  without memory malloc and its like return NULL, at which the core aborts
 */
#pragma once

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *at, size_t size);
void free(void *at);
_Noreturn void abort(void);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
double strtod(const char *restrict text, char **restrict end); /* end is NULL */
long strtol(const char *restrict text, char **restrict end, int base);
