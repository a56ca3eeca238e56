/* math.h - the part of C's that the core needs, where there is no C library. */
#pragma once

#define fabs(number) __builtin_fabs(number)
#define isfinite(number) __builtin_isfinite(number)
