/* ration.h - how much of what is scarce may be used: credit by the request and by the day, requests
 * by the minute, and the patience with who fails.
 *
 *   units      amounts in units of 0.01 credits; milliseconds of any clock that never goes back
 *   ownership  plain values
 *   threads    any
 */
#pragma once

#include "shared/base.h"

#define RATION_NO_LIMIT UINT64_MAX

enum { RATION_REST_MS = 2000, RATION_REST_MS_MAX = 300000, RATION_MINUTE_MS = 60000 };

/* ---- credit ---- */

struct ration {
    uint64_t day, request; /* at most; RATION_NO_LIMIT */
};

enum ration_verdict { RATION_FITS, RATION_DEAR, RATION_SPENT };

/* Whether a request that may cost so much fits, when so much was spent or promised today. */
enum ration_verdict ration_judge(const struct ration *ration, uint64_t today, uint64_t most);

/* a + b, or the most there is. */
uint64_t ration_add(uint64_t a, uint64_t b);

/* ---- requests ---- */

/* So many at once, and as many again in each minute, evenly. */
struct ration_rate {
    uint32_t per_minute; /* 0: any number */
    uint64_t spare;      /* requests times a minute of milliseconds */
    uint64_t at_ms;
    bool is_begun;
};

/* Takes one. False: not now; wait_ms: until then. */
MUST_CHECK bool ration_take(struct ration_rate *rate, uint64_t now_ms, uint64_t *wait_ms);

/* ---- patience ---- */

struct ration_rest {
    uint32_t failures; /* since it last went well */
    uint64_t until_ms;
};

/* Left alone for twice as long as after the last one. */
void ration_fail(struct ration_rest *rest, uint64_t now_ms);
void ration_succeed(struct ration_rest *rest);

static inline bool ration_rests(const struct ration_rest *rest, uint64_t now_ms)
{
    return rest->failures > 0 && now_ms < rest->until_ms;
}
