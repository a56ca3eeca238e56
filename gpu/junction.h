/* junction.h - one source of answers for several who listen: each has a source of its own.
 *
 *   ownership  junction_free frees it and its ends; the source is borrowed. No job may be left
 *   threads    loop thread only
 */
#pragma once

#include "gpu/source.h"

struct junction;

enum { JUNCTION_ENDS_MAX = 4, JUNCTION_NUMBER_BITS = 62 }; /* numbers of jobs are below 2^62 */

/* Becomes the source's listener. */
struct junction *junction_new(struct source *source);
void junction_free(struct junction *junction);

/* index: below JUNCTION_ENDS_MAX. */
struct source *junction_end(struct junction *junction, uint32_t index);
