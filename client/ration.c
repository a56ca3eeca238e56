#include "client/ration.h"

uint64_t ration_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

enum ration_verdict ration_judge(const struct ration *ration, uint64_t today, uint64_t most)
{
    if (ration->request != RATION_NO_LIMIT && most > ration->request)
        return RATION_DEAR;
    if (ration->day != RATION_NO_LIMIT && (today > ration->day || most > ration->day - today))
        return RATION_SPENT;
    return RATION_FITS;
}

/* Each millisecond brings per_minute, a request takes a minute of milliseconds. */
bool ration_take(struct ration_rate *rate, uint64_t now_ms, uint64_t *wait_ms)
{
    const uint64_t one = RATION_MINUTE_MS;
    const uint64_t full = (uint64_t)rate->per_minute * one;
    *wait_ms = 0;
    if (rate->per_minute == 0)
        return true;
    uint64_t passed = rate->is_begun && now_ms > rate->at_ms ? now_ms - rate->at_ms : 0;
    if (!rate->is_begun || passed >= one || full - rate->spare <= passed * rate->per_minute)
        rate->spare = full;
    else
        rate->spare += passed * rate->per_minute;
    rate->is_begun = true;
    rate->at_ms = now_ms > rate->at_ms ? now_ms : rate->at_ms;
    if (rate->spare < one) {
        *wait_ms = (one - rate->spare + rate->per_minute - 1) / rate->per_minute;
        return false;
    }
    rate->spare -= one;
    return true;
}

void ration_fail(struct ration_rest *rest, uint64_t now_ms)
{
    uint64_t wait_ms = RATION_REST_MS;
    for (uint32_t i = 0; i < rest->failures && wait_ms < RATION_REST_MS_MAX; i++)
        wait_ms *= 2;
    rest->failures += rest->failures < UINT32_MAX;
    rest->until_ms =
        ration_add(now_ms, wait_ms < RATION_REST_MS_MAX ? wait_ms : RATION_REST_MS_MAX);
}

void ration_succeed(struct ration_rest *rest)
{
    *rest = (struct ration_rest){0};
}
