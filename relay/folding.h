/* folding.h - text made ready for PostgreSQL's text search, whatever the locale of the database.
 *
 * Of a database whose locale is C it lowers the case of ASCII only, and takes every other character
 * for a letter: quotation marks, dashes and pictures too, which would be parts of words. So letters
 * are lowered here, and what stands between words becomes a space; quotation marks become ".
 *
 *   ownership  the result lies in the arena
 *   threads    loop thread only
 */
#pragma once

#include "shared/base.h"

struct arena;

/* Of valid UTF-8; the same of what was folded already. */
struct span folding_of(struct arena *arena, struct span text);
