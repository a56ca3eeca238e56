/* histogram.h - latencies, counted in buckets that are at most 1/32 of their value wide.
 *
 *   units      nanoseconds in, microseconds out
 *   ownership  a plain value; zeroes are an empty one
 */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 1984 };

struct histogram {
    uint64_t count, sum_ns, max_ns;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value_ns);

/* The value that a share of quantile (0 to 1) does not exceed. 0 when empty. */
double histogram_us(const struct histogram *histogram, double quantile);
