/* stdio.h - the part of C's that the core needs, where there is no C library. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* %s %c %d %u %x %e and %%, with 0, +, width, precision, l, ll and z. */
int vsnprintf(char *restrict out, size_t size, const char *restrict format, va_list args);
