/* retry.h - how long to wait before something that failed is tried again.
 *
 * Twice as long after every failure, up to a bound; half of it is chance, so that many who lost one
 * relay do not all come back at once.
 *
 *   units  milliseconds
 */
#pragma once

#include <stdint.h>

struct retry {
    uint64_t first_ms; /* after the first failure, on average three quarters of it */
    uint64_t most_ms;
};

/* failures: in a row, at least 1. random: any number, a new one each time. */
uint64_t retry_wait_ms(const struct retry *retry, uint32_t failures, uint32_t random);
