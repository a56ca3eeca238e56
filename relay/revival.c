#include "relay/revival.h"

#include <time.h>

enum {
    WAIT_MS_MIN = 100, /* doubles with each failure in a row */
    WAIT_MS_MAX = 5000,
    STEADY_MS = 10000, /* what lived as long has not failed in a row */
};

int64_t revival_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void revival_started(struct revival *revival)
{
    revival->due_ms = 0;
    revival->started_ms = revival_now_ms();
}

int64_t revival_plan(struct revival *revival)
{
    int64_t now = revival_now_ms();
    if (revival->started_ms != 0 && now - revival->started_ms >= STEADY_MS)
        revival->failures = 0;
    int64_t wait = WAIT_MS_MIN;
    for (uint32_t i = 0; i < revival->failures && wait < WAIT_MS_MAX; i++)
        wait *= 2;
    if (wait > WAIT_MS_MAX)
        wait = WAIT_MS_MAX;
    revival->failures++;
    revival->started_ms = 0;
    revival->due_ms = now + wait;
    return wait;
}

bool revival_is_due(const struct revival *revival)
{
    return revival->due_ms != 0 && revival->due_ms <= revival_now_ms();
}
