/* hlc.h - hybrid logical clock: milliseconds of somebody's clock, and a counter where that is not
 * enough to come after what was seen.
 *
 * One number orders everything: 48 bits of unix milliseconds, 16 bits of counter. 16 hex digits on
 * the wire. A clock may be wrong; what comes after what is not.
 *
 *   units    milliseconds since 1970
 *   threads  plain values
 *   errors   ERR_RESTRICTED: our clock is so far behind what was seen that writing would spoil it
 *   spec     Shoal's state, "Order, clocks"
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { HLC_COUNTER_BITS = 16, HLC_AHEAD_MAX_MS = 5 * 60 * 1000 };

static inline uint64_t hlc_make(uint64_t ms, uint16_t counter)
{
    return ms << HLC_COUNTER_BITS | counter;
}

static inline uint64_t hlc_ms(uint64_t hlc)
{
    return hlc >> HLC_COUNTER_BITS;
}

/* What created_at must be. */
static inline int64_t hlc_seconds(uint64_t hlc)
{
    return (int64_t)(hlc_ms(hlc) / 1000);
}

MUST_CHECK bool hlc_parse(uint64_t *hlc, struct span digits);
void hlc_write(struct text *out, uint64_t hlc);

/* A stamp after seen, the greatest stamp known, and not before now_ms. */
MUST_CHECK bool hlc_next(uint64_t *hlc, uint64_t seen, uint64_t now_ms, struct err *err);

/* Too far ahead of now_ms to be believed: kept, and applied when its time comes. */
bool hlc_is_ahead(uint64_t hlc, uint64_t now_ms);
