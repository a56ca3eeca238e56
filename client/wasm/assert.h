/* assert.h - what must hold, where there is no C library: the instance ends if it does not. */
#pragma once

#include <stdlib.h>

#define assert(what) ((what) ? (void)0 : abort())
#define static_assert _Static_assert
