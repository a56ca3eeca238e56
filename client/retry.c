#include "client/retry.h"

uint64_t retry_wait_ms(const struct retry *retry, uint32_t failures, uint32_t random)
{
    uint64_t wait_ms = retry->first_ms;
    for (uint32_t i = 1; i < failures && wait_ms < retry->most_ms; i++)
        wait_ms *= 2;
    if (wait_ms > retry->most_ms)
        wait_ms = retry->most_ms;
    return wait_ms / 2 + (wait_ms - wait_ms / 2) * random / UINT32_MAX;
}
