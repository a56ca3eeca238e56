/* canon.h - a JSON value in the one form that everybody's hash is over.
 *
 * Members in the order of their keys, no whitespace, the shortest escapes and numbers. A whole
 * number past 2^53 is refused, because half the world would read another one; so are two members
 * of one name.
 *
 *   ownership  the result lives in the arena
 *   errors     ERR_INVALID
 *   spec       RFC 8785 (JCS)
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct scan;

enum { CANON_DEPTH_MAX = 16 };

/* Reads one value; scan ends up behind it. */
MUST_CHECK bool canon_scan(struct span *out, struct arena *arena, struct scan *scan,
                           struct err *err);

/* The order of members, by their decoded names. */
int canon_compare(struct span a, struct span b);
